"""Runs one measurement. With --json the last line is one JSON object."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

import uvloop

from tests.bench import journal
from tests.bench.journal import Plan

MEASUREMENTS = {"journal": journal.measure}


def say(line: str) -> None:
    """At once, so that a run can be followed through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", choices=sorted(MEASUREMENTS), help="what to measure")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="medians are taken over so many rounds (default 5)")
    parser.add_argument("--seconds", type=int, default=15, help="how long each slice of a round runs (default 15)")
    parser.add_argument("--scale", type=int, default=128, help="pgbench's scale (default 128)")
    parser.add_argument("--accounts", type=int, default=100_000, help="funded accounts (default 100,000)")
    asked = parser.parse_args(arguments)
    if min(asked.rounds, asked.seconds, asked.scale) < 1 or asked.accounts < 2:
        parser.error("rounds, seconds and scale are at least 1, accounts at least 2")
    plan = Plan(rounds=asked.rounds, seconds=asked.seconds, scale=asked.scale, accounts=asked.accounts)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the node runs
        figures = runner.run(MEASUREMENTS[asked.name](plan, say))
    if asked.json:
        say(json.dumps(figures))
    return 0 if figures["verified"] else 1


if __name__ == "__main__":
    sys.exit(main())
