"""Durable payments over HTTP against pgbench's TPC-B, and what guards a request against a bare HTTP server: one run.

The server, the load and PostgreSQL are processes of their own and share the machine's cores. Each round runs every contender
once, in an order that turns from round to round; ratios are taken within a round, every figure is the median over the rounds.
The server's own processor time is read from the kernel, so that the cost of a request can be told on a busy machine too.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from tests.bench import pgbench
from tests.bench.cluster import Cluster, running_cluster
from tests.bench.http_books import open_books
from tests.bench.options import add_round_options, at_least
from tests.bench.payments import fund
from wallet.proofs.verify import verify

Say = Callable[[str], None]
Round = Mapping[str, Mapping[str, float]]

ACCOUNTS = 10_000  # each with a key of its own
CONNECTIONS = 1_000
BATCH_CONNECTIONS = 32  # times a hundred payments
GUARD_CONNECTIONS = 32  # enough to keep the server busy; nothing waits for a disk
BASELINES = tuple(f"pgbench_{clients}" for clients in pgbench.CLIENTS)
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    port: int
    bare_port: int

    def cpu_s(self) -> float:
        """Processor time that the kernel counts for the process, its own and on its behalf."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S


def add_options(parser: argparse.ArgumentParser) -> None:
    add_round_options(parser, accounts=ACCOUNTS)
    parser.add_argument("--connections", type=at_least(1), default=CONNECTIONS, help="callers who pay at once")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified` is true, or this raises `BooksBroken`."""
    busy = os.getloadavg()[0]
    async with running_cluster() as cluster:
        settings = {**await cluster.settings(), "fdatasync_us": str(cluster.fdatasync_us())}
        say(f"filling pgbench's tables at scale {asked.scale}, opening {asked.accounts:,} customers")
        await pgbench.initialise(cluster.pgbench, asked.scale)
        await fund(cluster.books.books, asked.accounts, open_books)
        async with running_server(cluster) as server:
            contenders = _contenders(cluster, server, asked)
            rounds = [await _run_round(contenders, number, asked.rounds, say) for number in range(asked.rounds)]
        say("verifying the books")
        connection = await asyncpg.connect(cluster.books.books)
        proven = await verify(connection)
        await connection.close()
    plan = {name: getattr(asked, name) for name in ("rounds", "seconds", "scale", "accounts", "connections")}
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load_before": round(busy, 2)}
    proof = {"changes": proven.seq, "transfers": proven.transfers}
    told = {"plan": plan, "settings": settings, "machine": machine}
    return {**_medians(rounds, say), "verified": True, "verify": proof, **told}


@asynccontextmanager
async def running_server(cluster: Cluster) -> AsyncIterator[Server]:
    words = ("tests.bench.http_server", cluster.books.books, cluster.books.ops, str(cluster.folder))
    process = await _start(*words)
    try:
        assert process.stdout is not None
        ports = (await process.stdout.readline()).split()
        if len(ports) != 2:
            raise RuntimeError("the server did not start: its own words stand above")
        yield Server(process.pid, int(ports[0]), int(ports[1]))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _start(module: str, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", module, *words, stdout=asyncio.subprocess.PIPE)


def _contenders(
    cluster: Cluster, server: Server, asked: argparse.Namespace
) -> dict[str, Callable[[], Awaitable[dict[str, float]]]]:
    """In the order of the first round: the two kinds take turns."""

    def baseline(clients: int) -> Callable[[], Awaitable[dict[str, float]]]:
        return partial(pgbench.run_for_figures, cluster.pgbench, clients, asked.seconds)

    def load(kind: str, port: int, connections: int) -> Callable[[], Awaitable[dict[str, float]]]:
        return partial(_run_load, server, kind, port, connections, asked)

    return {
        "pgbench_8": baseline(8),
        "payments": load("payment", server.port, asked.connections),
        "pgbench_32": baseline(32),
        "batches": load("batch", server.port, BATCH_CONNECTIONS),
        "guard": load("guard", server.port, GUARD_CONNECTIONS),
        "pgbench_128": baseline(128),
        "bare": load("bare", server.bare_port, GUARD_CONNECTIONS),
    }


async def _run_load(
    server: Server, kind: str, port: int, connections: int, asked: argparse.Namespace
) -> dict[str, float]:
    before_s = server.cpu_s()
    words = (kind, port, connections, asked.seconds, asked.accounts)
    process = await _start("tests.bench.http_load", *map(str, words))
    told, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the load was answered wrongly: its own words stand above")
    found: dict[str, float] = json.loads(told)
    spent_s = server.cpu_s() - before_s
    answered = found["accepted"] + found["replayed"] + found["refused"]
    return {
        "per_s": found["accepted"] / asked.seconds,
        "p50_ms": found["p50_ms"],
        "p99_ms": found["p99_ms"],
        "server_us": spent_s * 1_000_000 / answered,
        "per_cpu_s": answered / spent_s,
        "server_cpu": spent_s / asked.seconds,
        "load_cpu": found["cpu_s"] / asked.seconds,
    }


async def _run_round(
    contenders: Mapping[str, Callable[[], Awaitable[dict[str, float]]]], number: int, rounds: int, say: Say
) -> Round:
    names = list(contenders)
    turn = number % len(names)
    found: dict[str, dict[str, float]] = {}
    for name in names[turn:] + names[:turn]:
        found[name] = await contenders[name]()
        told = "  ".join(f"{key} {value:,.2f}" for key, value in found[name].items())
        say(f"round {number + 1} of {rounds}  {name:<12} {told}")
    say(f"round {number + 1} of {rounds}  " + "  ".join(f"{k} {v:.2f}" for k, v in _ratios(found).items()))
    return found


def _ratios(found: Round) -> dict[str, float]:
    best = max(found[name]["per_s"] for name in BASELINES)
    return {
        "payments_ratio": found["payments"]["per_s"] / best,
        "batch_ratio": found["batches"]["per_s"] / best,
        "guard_ratio": found["guard"]["per_cpu_s"] / found["bare"]["per_cpu_s"],
    }


def _medians(rounds: list[Round], say: Say) -> dict[str, Any]:
    ratios = [_ratios(found) for found in rounds]
    figures: dict[str, Any] = {name: round(median(r[name] for r in ratios), 2) for name in ratios[0]}
    figures["ratios_by_round"] = [{name: round(value, 2) for name, value in r.items()} for r in ratios]
    for name in rounds[0]:
        figures[name] = {key: round(median(found[name][key] for found in rounds), 2) for key in rounds[0][name]}
        say(f"median  {name:<12} " + "  ".join(f"{key} {value:,}" for key, value in figures[name].items()))
    return figures
