"""Two nodes' Journals on one server whose commits take 5 ms, against pgbench's TPC-B on the same server.

The latency is PostgreSQL's own `commit_delay` with `commit_siblings = 0`: whoever writes the log out first sleeps so long, and
who comes meanwhile shares the write, as on a disk or a standby that is slow to say "durable". Before anything is measured,
single commits on one connection are timed; the run fails if they do not take that long.
"""

import argparse
import asyncio
import os
import platform
from contextlib import AsyncExitStack
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from tests.bench import pgbench
from tests.bench.cluster import Cluster, running_cluster
from tests.bench.options import add_round_options, at_least
from tests.bench.paying_process import PayingProcess, paying_process
from tests.bench.payments import fund
from tests.bench.rounds import Contenders, Figures, Say, medians, ratio_medians, run_rounds, told
from wallet.proofs.verify import Proof, verify

COMMIT_MS = 5
TIMED_COMMITS = 100
BASELINES = tuple(f"pgbench_{clients}" for clients in pgbench.CLIENTS)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_round_options(parser, accounts=100_000)
    parser.add_argument("--waiting", type=at_least(1), default=2_000, help="callers in each of the two processes")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified` is true, or this raises `BooksBroken`."""
    busy = os.getloadavg()[0]
    slow = {"commit_delay": str(COMMIT_MS * 1000), "commit_siblings": "0"}
    async with running_cluster(slow) as cluster:
        settings = await cluster.settings()
        say(f"filling pgbench's tables at scale {asked.scale}, funding {asked.accounts:,} accounts")
        await pgbench.initialise(cluster.pgbench, asked.scale)
        await fund(cluster.books.books, asked.accounts)
        commit_ms = await _single_commits_ms(cluster)
        say(f"one connection's commits: median {commit_ms:.2f} ms")
        async with AsyncExitStack() as ends:
            books, accounts = cluster.books.books, asked.accounts
            pair = [await ends.enter_async_context(paying_process(books, accounts)) for _ in range(2)]
            rounds = await run_rounds(_contenders(cluster, pair, asked), asked.rounds, say)
        proof = await _verify(cluster)
    ratios = [_ratios(found) for found in rounds]
    say(f"median  {told(ratio_medians(ratios))}")
    return {
        **ratio_medians(ratios),
        "ratios_by_round": ratios,
        **medians(rounds),
        "commit_ms": round(commit_ms, 2),
        "verified": True,
        "verify": {"changes": proof.seq, "transfers": proof.transfers},
        "plan": {name: getattr(asked, name) for name in ("rounds", "seconds", "scale", "accounts", "waiting")},
        "settings": settings,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "load_before": round(busy, 2)},
    }


async def _single_commits_ms(cluster: Cluster) -> float:
    """The median of what one small commit takes with nobody else there. Raises if the latency is not real."""
    connection = await asyncpg.connect(cluster.pgbench)
    try:
        await connection.execute("CREATE TABLE commit_times (id int)")
        found = median([await _one_commit_ms(connection) for _ in range(TIMED_COMMITS)])
    finally:
        await connection.close()
    if found < COMMIT_MS:
        raise RuntimeError(f"a commit takes {found:.2f} ms and not {COMMIT_MS}: the latency is not there")
    return found


async def _one_commit_ms(connection: asyncpg.Connection) -> float:
    started = perf_counter()
    await connection.execute("INSERT INTO commit_times VALUES (1)")
    return (perf_counter() - started) * 1000


def _contenders(cluster: Cluster, pair: list[PayingProcess], asked: argparse.Namespace) -> Contenders:
    """In the order of the first round: the two kinds take turns. `one_process` has all callers of the two."""
    baselines = {
        clients: partial(pgbench.run_for_figures, cluster.pgbench, clients, asked.seconds)
        for clients in pgbench.CLIENTS
    }
    return {
        "pgbench_8": baselines[8],
        "two_processes": partial(_run_pair, pair, asked.waiting, asked.seconds),
        "pgbench_32": baselines[32],
        "one_process": partial(pair[0].pay, 2 * asked.waiting, asked.seconds),
        "pgbench_128": baselines[128],
    }


async def _run_pair(pair: list[PayingProcess], waiting: int, seconds: int) -> Figures:
    """What both did together; of their latencies the worse."""
    found = await asyncio.gather(*(one.pay(waiting, seconds) for one in pair))
    added = {name: sum(each[name] for each in found) for name in ("waiting", "per_s", "python_cpu")}
    return added | {name: max(each[name] for each in found) for name in ("p50_ms", "p99_ms")}


def _ratios(found: dict[str, Figures]) -> Figures:
    best = max(found[name]["per_s"] for name in BASELINES)
    return {
        "ratio_slow_disk": round(found["two_processes"]["per_s"] / best, 2),
        "ratio_slow_disk_alone": round(found["one_process"]["per_s"] / best, 2),
    }


async def _verify(cluster: Cluster) -> Proof:
    connection = await asyncpg.connect(cluster.books.books)
    try:
        return await verify(connection)
    finally:
        await connection.close()
