"""Simulates whole nodes out of seeds and checks their invariants. A line for each seed; the last line is one JSON object."""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import structlog

from node.database import Dsns, EmbeddedPostgres
from tests.databases import FreshDatabases
from tests.simulation.deposits import DepositPlan, DepositSimulation
from tests.simulation.run import Outcome, Plan, Simulation
from tests.simulation.withdrawals import WithdrawalPlan, WithdrawalSimulation

PROGRESS_EVERY_S = 5.0
Found = TypeVar("Found")
TELLING_FROM = 1_000  # deposits: where reorgs took back none of so many after credit, the run has shown nothing


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="seeds 1 to N, each some ten seconds (default 10)")
    parser.add_argument("--seed", type=int, help="this one alone, to see a failure again")
    parser.add_argument(
        "--lives", type=int, default=3, help="how often the process starts before it is calm (default 3)"
    )
    parser.add_argument("--deposits", type=int, help="simulate so many deposits on a chain that knows what arrived")
    parser.add_argument("--withdrawals", type=int, help="simulate so many withdrawals, each with a crash")
    asked = parser.parse_args(arguments)
    if not 1 <= asked.seeds <= 100_000 or not 0 <= asked.lives <= 1_000:
        parser.error("seeds are 1 to 100,000 and lives 0 to 1,000")
    for name in ("deposits", "withdrawals"):
        if getattr(asked, name) is not None and not 1 <= getattr(asked, name) <= 10_000_000:
            parser.error(f"{name} are 1 to 10,000,000")
    seeds = [asked.seed] if asked.seed is not None else list(range(1, asked.seeds + 1))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # faults are meant here
    with tempfile.TemporaryDirectory(prefix="coffer-sim-") as folder:
        if asked.deposits is not None:
            return _deposits(DepositPlan(asked.seed or 1, asked.deposits), Path(folder))
        if asked.withdrawals is not None:
            return _withdrawals(WithdrawalPlan(asked.seed or 1, asked.withdrawals), Path(folder))
        failed = _simulated(seeds, asked.lives, Path(folder))
    say(json.dumps({"ok": not failed, "seeds": len(seeds), "failed": failed}))
    return 1 if failed else 0


def _deposits(plan: DepositPlan, folder: Path) -> int:
    outcome, real_s = _long_run(
        lambda dsns, progress: DepositSimulation(plan, dsns, folder / "node", progress).run(), folder
    )
    met = outcome.taken_back > 0 or plan.deposits < TELLING_FROM
    ok = outcome.missed == outcome.double == 0 and met
    say(json.dumps({"ok": ok, **asdict(outcome), "real_s": real_s}))
    return 0 if ok else 1


def _withdrawals(plan: WithdrawalPlan, folder: Path) -> int:
    outcome, real_s = _long_run(
        lambda dsns, progress: WithdrawalSimulation(plan, dsns, folder / "node", progress).run(), folder
    )
    ok = outcome.twice == outcome.lost == outcome.stuck == 0
    say(json.dumps({"ok": ok, **asdict(outcome), "real_s": real_s}))
    return 0 if ok else 1


def _long_run(run: Callable[[Dsns, Callable[[str], None]], Found], folder: Path) -> tuple[Found, int]:
    """Progress on standard error; the last line on standard output is the outcome."""
    began, told = time.monotonic(), [0.0]

    def progress(line: str) -> None:
        if time.monotonic() - told[0] > PROGRESS_EVERY_S:
            told[0] = time.monotonic()
            sys.stderr.write(f"{line}, {time.monotonic() - began:.0f} s\n")
            sys.stderr.flush()

    with asyncio.Runner() as runner:
        server = EmbeddedPostgres(folder)
        databases = FreshDatabases(runner.run(server.start()), folder)
        try:
            outcome = run(runner.run(databases.migrated()), progress)
        finally:
            runner.run(server.stop())
    return outcome, round(time.monotonic() - began)


def _simulated(seeds: Sequence[int], lives: int, folder: Path) -> list[int]:
    failed = []
    with asyncio.Runner() as runner:
        server = EmbeddedPostgres(folder)
        databases = FreshDatabases(runner.run(server.start()), folder)
        try:
            for seed in seeds:
                dsns = runner.run(databases.migrated())
                if _run(Plan(seed, lives), dsns, folder / f"seed{seed}") is None:
                    failed.append(seed)
                runner.run(databases.drop(dsns.owner))
        finally:
            runner.run(server.stop())
    return failed


def _run(plan: Plan, dsns: Dsns, folder: Path) -> Outcome | None:
    began = time.monotonic()
    try:
        outcome = Simulation(plan, dsns, folder).run()
    except Exception as error:  # noqa: BLE001 (any error is this seed's finding; the others still run)
        say(f"seed {plan.seed} lives {plan.lives}: {type(error).__name__}: {error}")
        return None
    say(f"seed {plan.seed} lives {plan.lives}: {json.dumps(asdict(outcome))} in {time.monotonic() - began:.1f} s")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
