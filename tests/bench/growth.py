"""How cost grows with the books: the same figures at 10⁴, 10⁵, 10⁶ transfers (and 10⁷ in the long bench), in one cluster.

The books are filled through the Journal; half of all payments go to one busy account, which so has a history as long as half
the books. At each size slices of payments and of pgbench's TPC-B take turns, then the disk is asked and the whole journal
proven. pgbench's tables do not grow: that its speed stays is what shows that the machine's did.
"""

import argparse
import os
from statistics import median
from typing import Any

import asyncpg
import psutil

from node.clock import SystemClock
from node.collector import settle_collector
from tests.bench import pgbench
from tests.bench.callers import run_callers
from tests.bench.cluster import Cluster, running_cluster
from tests.bench.filling import fill
from tests.bench.growth_reads import read_figures, reading
from tests.bench.options import at_least, growing_sizes
from tests.bench.payments import KEY, Payments, open_books
from tests.bench.proving import prove_apart
from tests.bench.rounds import Say, told
from wallet.journal import Journal
from wallet.proofs.source import read_block

SIZES = (10**4, 10**5, 10**6)
WAITING = 1_000
PGBENCH_CLIENTS = 8
ARCHIVED = 1_000  # payments
BOOKS = ("journal", "transfers", "payments", "requests", "journal_viewers")
_BYTES = """
SELECT coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree($1::text::regclass)),
                pg_total_relation_size($1::text::regclass))
"""
_LOG = "SELECT pg_current_wal_lsn() - '0/0'"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sizes", type=growing_sizes, default=SIZES, help="transfers in the books, growing: 10000,100000"
    )
    parser.add_argument("--rounds", type=at_least(1), default=5, help="at each size medians are taken over so many")
    parser.add_argument("--seconds", type=at_least(1), default=5, help="how long each slice runs")
    parser.add_argument("--scale", type=at_least(1), default=16, help="pgbench's scale")
    parser.add_argument("--accounts", type=at_least(2), default=1_000, help="funded accounts")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified` is true, or this raises `BooksBroken`."""
    busy = os.getloadavg()[0]
    async with running_cluster() as cluster:
        settings = {**await cluster.settings(), "fdatasync_us": str(cluster.fdatasync_us())}
        await pgbench.initialise(cluster.pgbench, asked.scale)
        journal = Journal(cluster.books.books, SystemClock(), KEY)
        await journal.start()
        try:
            await open_books(journal, asked.accounts)
            settle_collector()
            sizes = [await _at_size(cluster, journal, size, asked, say) for size in asked.sizes]
        finally:
            await journal.stop()
    return {
        "sizes": sizes,
        "verified": True,
        "plan": {name: getattr(asked, name) for name in ("sizes", "rounds", "seconds", "scale", "accounts")},
        "settings": settings,
        "load_before": round(busy, 2),
    }


async def _at_size(
    cluster: Cluster, journal: Journal, size: int, asked: argparse.Namespace, say: Say
) -> dict[str, float]:
    """Fill up to `size`, then measure. The slices add some payments of their own; the next size counts them."""
    owner = await asyncpg.connect(cluster.books.owner)
    kinds = (Payments(asked.accounts, hot=True), Payments(asked.accounts, hot=False))
    try:
        missing = max(size - await owner.fetchval("SELECT count(*) FROM transfers"), 1)
        say(f"filling to {size:,} transfers")
        before = await owner.fetchval(_LOG)
        await fill(journal, kinds, missing, say)
        log_bytes = float(await owner.fetchval(_LOG) - before) / missing
        await owner.execute("VACUUM ANALYZE")  # as autovacuum does beside a node that runs for days
        found = {"transfers": float(size), **await _disk(owner), "log_bytes": log_bytes}
        async with reading(cluster, journal) as context:
            found |= await read_figures(context, await owner.fetchval("SELECT seq FROM journal_head"))
        found |= await _archived(owner)
    finally:
        await owner.close()
    found |= await _speeds(cluster, journal, kinds[1], asked)
    found["node_mb"] = psutil.Process().memory_info().rss / 2**20
    found |= await prove_apart(cluster.books.books)
    say(f"at {size:,}  {told(found)}")
    return {name: round(value, 2) for name, value in found.items()}


async def _disk(owner: asyncpg.Connection) -> dict[str, float]:
    """Bytes per payment in each table, its indexes included. What funding left is small beside from 10⁵ on."""
    payments = await owner.fetchval("SELECT count(*) FROM payments")
    sizes = {table: await owner.fetchval(_BYTES, table) for table in BOOKS}
    found = {f"bytes_{table}": float(size) / payments for table, size in sizes.items()}
    return {"bytes_per_payment": sum(found.values()), **found}


async def _archived(owner: asyncpg.Connection) -> dict[str, float]:
    """Bytes of a payment in an archive: the last thousand, as `coffer archive` would write them."""
    seq = await owner.fetchval("SELECT seq FROM journal_head")
    block = await read_block(owner, seq - ARCHIVED, seq)
    return {"archived_bytes": float(len(block.journal) + len(block.transfers)) / ARCHIVED}


async def _speeds(
    cluster: Cluster, journal: Journal, payments: Payments, asked: argparse.Namespace
) -> dict[str, float]:
    rounds = [await _round(cluster, journal, payments, asked.seconds) for _ in range(asked.rounds)]
    return {name: median(found[name] for found in rounds) for name in rounds[0]}


async def _round(cluster: Cluster, journal: Journal, payments: Payments, seconds: int) -> dict[str, float]:
    baseline = await pgbench.run_tpc_b(cluster.pgbench, PGBENCH_CLIENTS, seconds)
    before_s = cluster.cpu_s()
    paid = await run_callers(journal, payments, WAITING, seconds)
    return {
        "payments_per_s": paid.per_s,
        "ratio": paid.per_s / baseline.per_s,
        "python_us": paid.cpu_s * 1_000_000 / paid.accepted,
        "postgres_us": (cluster.cpu_s() - before_s) * 1_000_000 / paid.accepted,
        "p50_ms": paid.figures()["p50_ms"],
        "pgbench_per_s": baseline.per_s,
    }
