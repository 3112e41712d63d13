"""The bank test on a database and two nodes of its own. The last line is one JSON object."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node.database import EmbeddedPostgres, prepare_roles
from node.migrations.apply import apply_migrations
from tests.bank.run import Plan, run_bank
from tests.nodes.pair import running_pair


def say(line: str) -> None:
    """At once, so that a run can be followed through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def run_alone(plan: Plan, folder: Path) -> dict[str, Any]:
    server = EmbeddedPostgres(folder / "postgres")
    try:
        dsns = await prepare_roles(await server.start(), folder, {})
        await apply_migrations(dsns.owner)
        async with running_pair(dsns, folder / "pair") as pair:
            return await run_bank(pair, plan, say)
    finally:
        await server.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bank", description=__doc__)
    parser.add_argument("--operations", type=int, default=20_000, help="payments that are asked for (default 20,000)")
    parser.add_argument("--kills", type=int, default=20, help="how often a node is killed (default 20)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed asks for the same payments (default 1)")
    parser.add_argument("--writers", type=int, default=64, help="clients that pay at once (default 64)")
    parser.add_argument(
        "--minutes", type=float, default=1440, help="ask for nothing more after so long (default a day)"
    )
    asked = parser.parse_args(arguments)
    if min(asked.operations, asked.writers) < 1 or asked.kills < 0:
        parser.error("operations and writers are at least 1")
    with tempfile.TemporaryDirectory(prefix="coffer-bank-") as folder:
        plan = Plan(asked.operations, asked.kills, asked.seed, asked.writers, asked.minutes * 60)
        result = asyncio.run(run_alone(plan, Path(folder)))
    say(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
