"""Recovery: how long it takes to copy the books of a running node and to make a node of the copy again, and what proving them
costs a node that goes on meanwhile.

The books are filled through the Journal, in an embedded server as a node has it. `backup_s` and `restore_s` are what `coffer
backup` and `coffer restore` do, the proof of the restored books included. `beside_verify` is the rate of payments while
`coffer verify` replays the books in a process of its own, as a share of the rate without: on as many cores as are told in
`settings` they share the processors, so half of it would be their fair share where both want all of two.
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from node.clock import SystemClock
from node.collector import settle_collector
from node.commands.backup import back_up
from node.commands.restore import restore
from node.compose import open_database
from tests.bench.callers import run_callers
from tests.bench.filling import fill
from tests.bench.options import at_least
from tests.bench.payments import KEY, Payments, open_books
from tests.bench.proving import prove_apart
from tests.bench.rounds import Say
from tests.nodes.bank_only import configured
from wallet.journal import Journal

WAITING = 32  # people, not a load test: they leave the processor room


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--entries", type=at_least(1), default=100_000, help="payments in the books")
    parser.add_argument("--rounds", type=at_least(1), default=5, help="payments with and without verify, so many times")
    parser.add_argument("--accounts", type=at_least(2), default=1_000, help="funded accounts")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. Raises `BooksBroken` where a copy is not the books."""
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="coffer-bench-") as name:
        folder = Path(name)
        copy, keys, config = folder / "copy", folder / "keys", configured(folder / "node")
        async with open_database(config, {}) as database:
            journal = Journal(database.dsns.books, SystemClock(), KEY)
            await journal.start()
            try:
                await open_books(journal, asked.accounts)
                payments = Payments(asked.accounts, hot=False)
                await fill(journal, [payments], asked.entries, say)
                settle_collector()
                shares = [
                    await _beside_verify(journal, payments, database.dsns.books, say) for _ in range(asked.rounds)
                ]
                started = perf_counter()
                await back_up(config, database.dsns, copy, keys, say)
                backup_s = perf_counter() - started
            finally:
                await journal.stop()
        started = perf_counter()
        proof = await restore(configured(folder / "again"), copy, keys, folder / "archives", say)
        restore_s = perf_counter() - started
    return {
        "entries": proof.seq,
        "backup_s": round(backup_s, 1),
        "restore_s": round(restore_s, 1),
        "beside_verify": round(median(shares), 3),
        "rounds": shares,
        "verified": True,
        "plan": {name: getattr(asked, name) for name in ("entries", "rounds", "accounts")},
        "load_before": round(busy, 2),
    }


async def _beside_verify(journal: Journal, payments: Payments, dsn: str, say: Say) -> float:
    """Payments a second while the books are proven ÷ without, for about as long."""
    proving = asyncio.create_task(prove_apart(dsn))
    began = perf_counter()
    beside, slices = 0.0, 0
    while not proving.done():
        beside += (await run_callers(journal, payments, WAITING, 1)).per_s
        slices += 1
    await proving
    alone = [(await run_callers(journal, payments, WAITING, 1)).per_s for _ in range(slices)]
    share = (beside / slices) / median(alone)
    say(f"beside verify {beside / slices:,.0f}/s, alone {median(alone):,.0f}/s ({perf_counter() - began:.0f} s)")
    return round(share, 3)
