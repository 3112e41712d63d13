"""A process of its own that holds all watched addresses, as the book does or in a Python set, and says what that cost.
`python -m tests.bench.address_book_process DSN_BOOKS book|set`; one JSON object on standard output."""

import asyncio
import gc
import json
import sys
from pathlib import Path
from time import perf_counter

import asyncpg
import uvloop

from node.compose import make_reading_engine
from tests.bench.watched import watched_address
from wallet.addresses.book import StoredAddressBook
from wallet.ids import NetworkId

HERE = NetworkId("ethereum")
ASKED, STRANGERS = 1_000, 100_000


async def hold_book(dsn: str, count: int) -> dict[str, float]:
    """`strangers_us`: what one stranger costs, asked about by the thousand."""
    reads = make_reading_engine(dsn)
    book = StoredAddressBook(reads)
    async with reads.connect():
        pass  # what connecting takes is no address
    gc.collect()
    before, started = memory_kb("VmRSS"), perf_counter()
    await book.known(HERE, ["stranger"])
    startup_s = perf_counter() - started
    figures = {"memory_mb": (memory_kb("VmRSS") - before) / 1000, "peak_mb": (memory_kb("VmHWM") - before) / 1000}
    ours = {watched_address(number) for number in range(1, count + 1, max(count // ASKED, 1))}
    right = await book.known(HERE, ours) == ours
    started, wrong = perf_counter(), 0
    for start in range(0, STRANGERS, ASKED):
        strangers = [watched_address(-number) for number in range(start + 1, start + ASKED + 1)]
        wrong += len(await book.known(HERE, strangers))
    strangers_us = (perf_counter() - started) * 1_000_000 / STRANGERS
    await reads.dispose()
    return {**figures, "startup_s": startup_s, "strangers_us": strangers_us, "right": float(right and not wrong)}


async def hold_set(dsn: str, count: int) -> dict[str, float]:
    connection = await asyncpg.connect(dsn)
    gc.collect()
    before, started = memory_kb("VmRSS"), perf_counter()
    held: set[str] = set()

    async def take(lines: bytes) -> None:
        held.update(lines.decode().split())

    await connection.copy_from_query("SELECT address FROM addresses", output=take)
    startup_s = perf_counter() - started
    figures = {"memory_mb": (memory_kb("VmRSS") - before) / 1000, "peak_mb": (memory_kb("VmHWM") - before) / 1000}
    await connection.close()
    return {**figures, "startup_s": startup_s, "right": float(len(held) == count)}


def memory_kb(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    hold = {"book": hold_book, "set": hold_set}[sys.argv[2]]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(hold(sys.argv[1], int(sys.argv[3])))) + "\n")
