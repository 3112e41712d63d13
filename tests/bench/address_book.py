"""What it costs to watch millions of addresses: memory, and the time until the book can answer.

`memory_ratio`: the memory that the address book takes over what a Python set of the same texts takes, as the kernel counts the
resident memory of two processes that do nothing else; `peak_ratio` the same for the most that each had while it was loading.
`startup_s`: from the first question of a fresh process to its answer, all addresses read from the database on this machine.
`strangers_us`: what an address that is nobody's costs, asked about by the thousand, look at the database for what is new
included. The two take turns, each in a fresh process; medians are told. `verified`: the book knows all that it was asked for
of the watched ones, and no stranger.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from tests.bench.cluster import running_cluster
from tests.bench.options import at_least
from tests.bench.watched import fill_addresses

Say = Callable[[str], None]

ROUNDS, ADDRESSES = 5, 10_000_000


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--addresses", type=at_least(1_000), default=ADDRESSES, help="watched addresses")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    rounds: list[dict[str, dict[str, float]]] = []
    async with running_cluster() as cluster:
        started = perf_counter()
        owner = await asyncpg.connect(cluster.books.owner)
        await fill_addresses(owner, asked.addresses)
        await owner.close()
        say(f"{asked.addresses:,} addresses written in {perf_counter() - started:.0f} s")
        for number in range(asked.rounds):
            kinds = ("book", "set") if number % 2 else ("set", "book")
            found = {kind: await _held(cluster.books.books, kind, asked.addresses) for kind in kinds}
            rounds.append(found)
            say(f"round {number + 1} of {asked.rounds}  {_told(found)}")
    figures = {name: round(median(_figures(found)[name] for found in rounds), 3) for name in _figures(rounds[0])}
    verified = all(one["right"] == 1.0 for found in rounds for one in found.values())
    return {**figures, "verified": verified, "plan": {"rounds": asked.rounds, "addresses": asked.addresses}}


def _figures(found: dict[str, dict[str, float]]) -> dict[str, float]:
    book, other = found["book"], found["set"]
    return {
        "memory_ratio": book["memory_mb"] / other["memory_mb"],
        "peak_ratio": book["peak_mb"] / other["peak_mb"],
        "memory_mb": book["memory_mb"],
        "set_memory_mb": other["memory_mb"],
        "startup_s": book["startup_s"],
        "strangers_us": book["strangers_us"],
    }


def _told(found: dict[str, dict[str, float]]) -> str:
    book, other = found["book"], found["set"]
    return (
        f"book {book['memory_mb']:.0f} MB (at most {book['peak_mb']:.0f}) after {book['startup_s']:.1f} s;"
        f" set {other['memory_mb']:.0f} MB; a stranger {book['strangers_us']:.2f} µs"
    )


async def _held(dsn: str, kind: str, count: int) -> dict[str, float]:
    command = (sys.executable, "-m", "tests.bench.address_book_process", dsn, kind, str(count))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the process with the {kind} ended with {process.returncode}")
    figures: dict[str, float] = json.loads(output.splitlines()[-1])  # before it the book tells how far it is
    return figures
