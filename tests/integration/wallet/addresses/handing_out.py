"""A process of its own that hands out addresses, a few at once, and says on standard output which are durable.
`python -m tests.integration.wallet.addresses.handing_out DSN_BOOKS DSN_OPS FOLDER NAME COUNT`."""

import asyncio
import sys
from itertools import repeat
from pathlib import Path

from node.database import Dsns
from tests.fakes.world import BITCOIN, running_world
from wallet.addresses.assign import new_address

AT_ONCE = 8


async def hand_out(dsns: Dsns, folder: Path, name: str, count: int) -> None:
    async with running_world(dsns, folder) as world:
        owner = await world.customer(name)
        numbers = iter(range(count))

        async def go_on() -> None:
            for _ in numbers:
                made = await new_address(world.context, "test", owner, BITCOIN, None)
                sys.stdout.write(f"{made.result['address']}\n")
                sys.stdout.flush()

        await asyncio.gather(*(go_on() for _ in repeat(None, AT_ONCE)))


if __name__ == "__main__":
    books, ops, folder, name, count = sys.argv[1:]
    asyncio.run(hand_out(Dsns(owner="", books=books, ops=ops), Path(folder), name, int(count)))
