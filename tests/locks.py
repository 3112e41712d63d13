"""A lock of the database in the hands of a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HOLDS = """
import asyncio, sys
import asyncpg

async def main() -> None:
    held = await asyncpg.connect(sys.argv[1])
    async with held.transaction():
        await held.execute(sys.argv[2])
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(await held.fetchval("SELECT txid_status(txid_current())"), flush=True)

asyncio.run(main())
"""


@contextmanager
def locked(dsn: str, sql: str) -> Iterator[None]:
    """While the block runs, all the time: at its end the transaction that took the lock is still under way."""
    command = [sys.executable, "-c", HOLDS, dsn, sql]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        try:
            yield
        finally:
            told, _ = other.communicate("\n")
        assert told == "in progress\n"
