"""A process of its own with one Journal: pays one unit many times, a few at once, and says on standard output what it was
told is durable. `python -m tests.integration.wallet.journal.writer_process DSN NAME PAYMENTS`, with `COFFER_CRASH_AT` for a
fault."""

import asyncio
import sys
from itertools import repeat

from tests.integration.wallet.changes import ALICE, BOB, paid, running

AT_ONCE = 5


async def write(dsn: str, name: str, payments: int) -> None:
    numbers = iter(range(payments))
    async with running(dsn) as journal:

        async def pay() -> None:
            for number in numbers:
                done = await journal.commit(paid(ALICE, BOB, 1, key=f"{name}-{number}"))
                sys.stdout.write(f"{done.seq} {name}-{number}\n")
                sys.stdout.flush()

        await asyncio.gather(*(pay() for _ in repeat(None, AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3])))
