"""Proving the books against merely reading them: `coffer verify`'s own function beside plain SELECTs of the same rows.

The books are filled by payments through the Journal, which signs its batches. Each round does both, and which goes first
turns from round to round; `share_of_select` is taken within a round: 1.00 would say that replaying, hashing and comparing
everything costs no more than fetching it. A plain SELECT reads every row that verify reads, each once, in chunks, as
asyncpg's records. `alone_entries_per_s` is for books in which every payment came alone: a signature for each entry.
"""

import argparse
import os
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from node.clock import SystemClock
from node.collector import settle_collector
from node.commands.verify import prove_journal
from tests.bench.cluster import Cluster, running_cluster
from tests.bench.filling import WAITING, fill
from tests.bench.options import at_least
from tests.bench.payments import KEY, Payments, open_books
from wallet.journal import Journal
from wallet.proofs.verify import CHUNK
from wallet.schema import ROWS

Say = Callable[[str], None]

_BY_SEQ = ("journal", "transfers")
_WHOLE = ("requests", "journal_viewers", "accounts", "holds", "vault_items", *ROWS)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=5, help="medians are taken over so many rounds")
    parser.add_argument("--entries", type=at_least(1), default=200_000, help="payments to prove")
    parser.add_argument("--alone", type=at_least(0), default=20_000, help="payments that come one at a time; 0: none")
    parser.add_argument("--accounts", type=at_least(2), default=20_000, help="funded accounts")


async def measure(plan: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified` is true, or this raises `BooksBroken`."""
    busy = os.getloadavg()[0]
    async with running_cluster() as cluster:
        settings = {**await cluster.settings(), "fdatasync_us": str(cluster.fdatasync_us())}
        say(f"filling the books with {plan.entries:,} payments")
        await _fill(cluster, plan.entries, plan.accounts, WAITING, say)
        connection = await asyncpg.connect(cluster.books.books)
        settle_collector()
        try:
            rounds = [await _round(connection, number, say) for number in range(plan.rounds)]
        finally:
            await connection.close()
    figures = {name: round(median(found[name] for found in rounds), 3) for name in rounds[0]}
    say(f"median  {_told(figures)}")
    if plan.alone:
        figures["alone_entries_per_s"] = round(await _batches_of_one(plan, say))
    told = {"plan": vars(plan), "settings": settings, "load_before": round(busy, 2)}
    return {**figures, "verified": True, "rounds": rounds, **told}


async def _batches_of_one(plan: argparse.Namespace, say: Say) -> float:
    """Entries a second where every payment came alone, and so has a batch and a signature to itself."""
    async with running_cluster() as cluster:
        say(f"filling other books with {plan.alone:,} payments, one at a time")
        await _fill(cluster, plan.alone, plan.accounts, 1, say)
        connection = await asyncpg.connect(cluster.books.books)
        try:
            found = [entries / took_s for entries, took_s in [await _verified(connection) for _ in range(plan.rounds)]]
        finally:
            await connection.close()
    say(f"one Change a batch: {median(found):,.0f} entries/s")
    return median(found)


async def _fill(cluster: Cluster, entries: int, accounts: int, waiting: int, say: Say) -> None:
    journal = Journal(cluster.books.books, SystemClock(), KEY)
    await journal.start()
    try:
        await open_books(journal, accounts)
        await fill(journal, [Payments(accounts, hot=False)], entries, say, waiting)
    finally:
        await journal.stop()
    owner = await asyncpg.connect(cluster.books.owner)
    await owner.execute("VACUUM ANALYZE")
    await owner.close()


async def _round(connection: asyncpg.Connection, number: int, say: Say) -> dict[str, float]:
    if number % 2:
        (entries, verify_s), (rows, select_s) = await _verified(connection), await _selected(connection)
    else:
        (rows, select_s), (entries, verify_s) = await _selected(connection), await _verified(connection)
    found = {
        "entries_per_s": entries / verify_s,
        "share_of_select": select_s / verify_s,
        "verify_s": verify_s,
        "select_s": select_s,
        "entries": entries,
        "rows": rows,
    }
    say(f"round {number + 1}  {_told(found)}")
    return {name: round(value, 3) for name, value in found.items()}


def _told(found: dict[str, float]) -> str:
    return (
        f"{found['entries_per_s']:,.0f} entries/s  {found['share_of_select']:.2f} of a plain SELECT"
        f"  ({found['rows']:,.0f} rows: select {found['select_s']:.2f} s, verify {found['verify_s']:.2f} s)"
    )


async def _verified(connection: asyncpg.Connection) -> tuple[int, float]:
    started = perf_counter()
    proof = await prove_journal(connection)
    return proof.seq, perf_counter() - started


async def _selected(connection: asyncpg.Connection) -> tuple[int, float]:
    started, rows = perf_counter(), 0
    head = await connection.fetchval("SELECT seq FROM journal_head")
    for table in _BY_SEQ:
        for after in range(0, head, CHUNK):
            sql = f"SELECT * FROM {table} WHERE seq > $1 AND seq <= $2 ORDER BY seq"
            rows += len(await connection.fetch(sql, after, after + CHUNK))
    async with connection.transaction(readonly=True):
        for table in _WHOLE:
            cursor = await connection.cursor(f"SELECT * FROM {table}")
            while fetched := await cursor.fetch(CHUNK):
                rows += len(fetched)
    return rows, perf_counter() - started
