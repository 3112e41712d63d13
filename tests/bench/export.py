"""A long export over HTTP: how soon it begins, and what it costs the server in memory.

One customer has received so many payments; the file is read by another process than the one that makes it. `first_byte_share`
is the time to the first byte of the file over the time to its last. `memory_growth_mb` is the server's peak of resident memory
during the export over what it had before, as the kernel keeps both; a tenth of the rows is exported beside it, for what does
not grow with the rows costs the same. Each file comes from a fresh server that has only sent an empty one: memory that an
earlier export had taken, and Python kept, would hide what this one takes. The file is added up once, and must come to the
balance.
"""

import argparse
import csv
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import aiohttp
import asyncpg

from node.clock import SystemClock
from tests.bench.cluster import Cluster, running_cluster
from tests.bench.filling import fill
from tests.bench.http import Server, running_server
from tests.bench.http_books import open_books, secret
from tests.bench.options import at_least
from tests.bench.payments import EUR, KEY, Payments, customer
from wallet.exports.files import FileForm
from wallet.journal import Journal
from wallet.ledger.accounts import customer_balance

Say = Callable[[str], None]

ROWS, ROUNDS, ACCOUNTS = 100_000, 5, 1_000
_READ_BYTES = 1 << 16
_FORGET_PEAK = "5"  # proc(5), clear_refs: the peak of resident memory begins again
WARMED_BY = 5  # empty files
_PATH = f"/v1/exports/transfers?format={FileForm.CSV}"
_EMPTY = f"{_PATH}&to=1971-01-01"


@dataclass(slots=True)
class _File:
    """What reading a file found."""

    first_byte_s: float = 0.0
    total_s: float = 0.0
    rows: int = -1  # without its head
    size: int = 0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--rows", type=at_least(10), default=ROWS, help="payments in the long file")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified`: the file has every row, and its amounts come to the balance."""
    busy = os.getloadavg()[0]
    async with running_cluster() as cluster:
        middle = await _fill(cluster, asked.rows, say)
        verified = await _adds_up(cluster, asked.rows)
        rounds = [await _round(cluster, f"{_PATH}&from={middle}", number, say) for number in range(asked.rounds)]
    figures = {name: round(median(found[name] for found in rounds), 3) for name in rounds[0]}
    say(f"median  {_told(figures)}")
    plan = {"rounds": asked.rounds, "rows": asked.rows}
    return {**figures, "verified": verified, "rounds": rounds, "plan": plan, "load": round(busy, 2)}


async def _fill(cluster: Cluster, rows: int, say: Say) -> str:
    """The moment after which a tenth of the payments came."""
    journal = Journal(cluster.books.books, SystemClock(), KEY)
    await journal.start()
    try:
        await open_books(journal, ACCOUNTS)
        to_one = [Payments(ACCOUNTS, hot=True)]
        few = rows // 10
        await fill(journal, to_one, rows - few, say)
        await fill(journal, to_one, few, say)
    finally:
        await journal.stop()
    owner = await asyncpg.connect(cluster.books.owner)
    await owner.execute("VACUUM ANALYZE")
    at = await owner.fetchval("SELECT at FROM journal WHERE seq = (SELECT seq - $1 FROM journal_head)", few)
    await owner.close()
    return str(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


async def _adds_up(cluster: Cluster, rows: int) -> bool:
    async with _fresh_server(cluster) as (session, _), session.get(_PATH, headers=_authorization()) as answer:
        found = list(csv.DictReader((await answer.text()).splitlines()))
    books = await asyncpg.connect(cluster.books.books)
    sql = "SELECT (credits_posted - debits_posted)::text FROM accounts WHERE id = $1"
    balance = int(await books.fetchval(sql, customer_balance(customer(0), EUR).id))
    await books.close()
    added = sum(int(row["amount"].replace(".", "")) * (1 if row["direction"] == "in" else -1) for row in found)
    return len(found) == rows + 1 and added == balance  # the funding is a row too


@asynccontextmanager
async def _fresh_server(cluster: Cluster) -> AsyncIterator[tuple[aiohttp.ClientSession, Server]]:
    """Its code is loaded and its connections are open."""
    async with running_server(cluster) as server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        for _ in range(WARMED_BY):
            async with session.get(_EMPTY, headers=_authorization()) as answer:
                await answer.read()
        yield session, server


async def _round(cluster: Cluster, short: str, number: int, say: Say) -> dict[str, float]:
    (few, few_mb), (many, many_mb) = await _exported(cluster, short), await _exported(cluster, _PATH)
    found = {
        "first_byte_share": many.first_byte_s / many.total_s,
        "memory_growth_mb": many_mb,
        "memory_growth_tenth_mb": few_mb,
        "first_byte_ms": many.first_byte_s * 1000,
        "total_s": many.total_s,
        "rows_per_s": many.rows / many.total_s,
        "file_mb": many.size / 1e6,
        "rows": many.rows,
        "rows_tenth": few.rows,
    }
    say(f"round {number + 1}  {_told(found)}")
    return {name: round(value, 3) for name, value in found.items()}


def _told(found: dict[str, float]) -> str:
    return (
        f"first byte after {found['first_byte_ms']:.1f} ms, {found['first_byte_share']:.3f} of {found['total_s']:.2f} s;"
        f" {found['rows_per_s']:,.0f} rows/s; {found['file_mb']:.1f} MB of file cost {found['memory_growth_mb']:.1f} MB,"
        f" a tenth of the rows {found['memory_growth_tenth_mb']:.1f} MB"
    )


async def _exported(cluster: Cluster, path: str) -> tuple[_File, float]:
    """The file as it was read, and the growth of the server's memory in MB."""
    async with _fresh_server(cluster) as (session, server):
        _forget_peak(server)
        before, found, started = _memory_kb(server, "VmRSS"), _File(), perf_counter()
        async with session.get(path, headers=_authorization()) as answer:
            answer.raise_for_status()
            async for part in answer.content.iter_chunked(_READ_BYTES):
                found.first_byte_s = found.first_byte_s or perf_counter() - started
                found.rows += part.count(b"\n")
                found.size += len(part)
        found.total_s = perf_counter() - started
        return found, (_memory_kb(server, "VmHWM") - before) / 1000


def _forget_peak(server: Server) -> None:
    Path(f"/proc/{server.pid}/clear_refs").write_text(_FORGET_PEAK)


def _memory_kb(server: Server, name: str) -> int:
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _authorization() -> dict[str, str]:
    return {"Authorization": f"Bearer {secret(0)}"}
