"""Payments through the Journal against pgbench's TPC-B: one interleaved run on one server.

Each round runs every contender once, in an order that turns from round to round, so that none always follows another's
checkpoint and dirty pages. Ratios are taken within a round, against the best of pgbench's client counts in that round;
every figure is the median over the rounds. Afterwards the books are verified whole.
"""

import argparse
import os
import platform
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from node.clock import SystemClock
from node.collector import settle_collector
from tests.bench import pgbench, row_locks
from tests.bench.callers import Slice, run_at_rate, run_callers
from tests.bench.cluster import Cluster, running_cluster
from tests.bench.options import add_round_options
from tests.bench.payments import KEY, Payments, open_books
from tests.bench.pgbench import Speed
from tests.bench.row_locks import run_row_locks
from wallet.journal import Journal
from wallet.proofs.verify import Proof, verify

Say = Callable[[str], None]
Run = Callable[[], Awaitable[Speed | Slice]]
Round = Mapping[str, Speed | Slice]

HOT = "hot_1000"
BASELINES = tuple(f"pgbench_{clients}" for clients in pgbench.CLIENTS)


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    seconds: int
    scale: int
    accounts: int


def add_options(parser: argparse.ArgumentParser) -> None:
    add_round_options(parser, accounts=100_000)


async def measure_as_asked(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    return await measure(Plan(asked.rounds, asked.seconds, asked.scale, asked.accounts), say)


async def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified` is true, or this raises `BooksBroken`."""
    busy = os.getloadavg()[0]
    async with running_cluster() as cluster:
        settings = {**await cluster.settings(), "fdatasync_us": str(cluster.fdatasync_us())}
        say("server: " + ", ".join(f"{name} = {value}" for name, value in settings.items()))
        say(f"filling pgbench's tables at scale {plan.scale}")
        await pgbench.initialise(cluster.pgbench, plan.scale)
        await row_locks.prepare(cluster.pgbench, plan.accounts)
        journal = Journal(cluster.books.books, SystemClock(), KEY)
        await journal.start()
        try:
            say(f"funding {plan.accounts:,} accounts")
            await open_books(journal, plan.accounts)
            settle_collector()
            contenders = _contenders(cluster, journal, plan)
            rounds = [await _run_round(contenders, number, plan, say) for number in range(plan.rounds)]
            steady = await _half_of_peak(journal, plan, rounds, say)
        finally:
            await journal.stop()
        proven, took_s = await _verify(cluster, say)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load_before": round(busy, 2)}
    proof = {"changes": proven.seq, "transfers": proven.transfers, "seconds": round(took_s, 1)}
    return {
        **_medians(rounds, say),
        "half_of_peak": steady.figures(),
        "verified": True,
        "verify": proof,
        "plan": _plan(plan),
        "settings": settings,
    } | {"machine": machine}


def _contenders(cluster: Cluster, journal: Journal, plan: Plan) -> dict[str, Run]:
    """In the order of the first round: the two kinds take turns."""

    def baseline(clients: int) -> Run:
        return partial(pgbench.run_tpc_b, cluster.pgbench, clients, plan.seconds)

    def callers(waiting: int, *, hot: bool) -> Run:
        return partial(run_callers, journal, Payments(plan.accounts, hot), waiting, plan.seconds)

    def locking(*, hot: bool) -> Run:
        return partial(run_row_locks, cluster.pgbench, plan.accounts, 1_000, plan.seconds, hot=hot)

    return {
        "pgbench_8": baseline(8),
        "cold_200": callers(200, hot=False),
        "pgbench_32": baseline(32),
        "cold_1000": callers(1_000, hot=False),
        "pgbench_128": baseline(128),
        HOT: callers(1_000, hot=True),
        "row_locks": locking(hot=False),
        "cold_4000": callers(4_000, hot=False),
        "row_locks_hot": locking(hot=True),
    }


async def _run_round(contenders: Mapping[str, Run], number: int, plan: Plan, say: Say) -> Round:
    names = list(contenders)
    turn = number % len(names)
    found: dict[str, Speed | Slice] = {}
    for name in names[turn:] + names[:turn]:
        found[name] = await contenders[name]()
        say(f"round {number + 1} of {plan.rounds}  {name:<12} {found[name].told()}")
    say(f"round {number + 1} of {plan.rounds}  " + "  ".join(f"{k} {v:.2f}" for k, v in _ratios(found).items()))
    return found


async def _half_of_peak(journal: Journal, plan: Plan, rounds: list[Round], say: Say) -> Slice:
    """Payments that come at a steady rate, whether or not earlier ones are answered: half of what 1,000 callers reach."""
    rate = int(median(found["cold_1000"].per_s for found in rounds)) // 2
    found = await run_at_rate(journal, Payments(plan.accounts, hot=False), rate, plan.seconds)
    say(f"half of peak, {rate:,}/s asked  {found.told()}")
    return found


async def _verify(cluster: Cluster, say: Say) -> tuple[Proof, float]:
    say("verifying the books")
    started = perf_counter()
    connection = await asyncpg.connect(cluster.books.books)
    try:
        return await verify(connection), perf_counter() - started
    finally:
        await connection.close()


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _ratios(found: Round) -> dict[str, float]:
    best = max(found[name].per_s for name in BASELINES)
    return {
        "ratio_200": found["cold_200"].per_s / best,
        "ratio_1000": found["cold_1000"].per_s / best,
        "ratio_4000": found["cold_4000"].per_s / best,
        "hot_over_cold": found[HOT].per_s / found["cold_1000"].per_s,
        "vs_row_locks": found["cold_1000"].per_s / found["row_locks"].per_s,
        "vs_row_locks_hot": found[HOT].per_s / found["row_locks_hot"].per_s,
    }


def _medians(rounds: list[Round], say: Say) -> dict[str, Any]:
    ratios = [_ratios(found) for found in rounds]
    figures: dict[str, Any] = {name: round(median(r[name] for r in ratios), 2) for name in ratios[0]}
    figures["ratios_by_round"] = [{name: round(value, 2) for name, value in r.items()} for r in ratios]
    for name in rounds[0]:
        views = [found[name].figures() for found in rounds]
        figures[name] = {key: round(median(view[key] for view in views), 2) for key in views[0]}
        say(f"median  {name:<12} " + "  ".join(f"{key} {value:,}" for key, value in figures[name].items()))
    return figures


def _plan(plan: Plan) -> dict[str, int]:
    return {"rounds": plan.rounds, "seconds": plan.seconds, "scale": plan.scale, "accounts": plan.accounts}
