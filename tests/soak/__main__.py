"""Kills a node at random while money moves, then proves everything. The last line is one JSON object."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.soak.random_kills import Plan, run_soak


def say(line: str) -> None:
    """At once, so that a run can be followed through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=8, help="how often the node is killed (default 8, some two minutes)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed asks for the same moments (default 1)")
    asked = parser.parse_args(arguments)
    if not 1 <= asked.kills <= 10_000:
        parser.error("kills are 1 to 10,000")
    with tempfile.TemporaryDirectory(prefix="coffer-soak-") as folder:
        result = asyncio.run(run_soak(Plan(asked.kills, asked.seed), Path(folder), say))
    say(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
