"""A real hledger for tests: the one on PATH, else one unpacked from this Debian's own archive. Nothing is installed."""

import asyncio
import csv
import io
import os
import shutil
import sys
from pathlib import Path

from node.devnet.debian import ProgramUnavailable, Say, have_ready, unpack

WITHIN_S = 60


class HledgerRefused(Exception):
    """It does not accept the journal; its own words."""


def find_hledger(say: Say) -> Path:
    """`COFFER_HLEDGER`, else the one on PATH, else one unpacked from Debian. Raises `ProgramUnavailable`."""
    found = shutil.which(os.environ.get("COFFER_HLEDGER", "hledger"))
    if found is not None:
        return Path(found)
    program = unpack("hledger", suite=None, say=say) / "usr/bin/hledger"
    if not program.exists():
        raise ProgramUnavailable("hledger was unpacked, but its program is not where it was expected")
    return program


async def hledger(program: Path, journal: Path, *words: str) -> str:
    """What it says. Raises `HledgerRefused`."""
    process = await asyncio.create_subprocess_exec(
        program,
        "--file",
        journal,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"LC_ALL": "C.UTF-8", "HOME": str(journal.parent)},
    )
    async with asyncio.timeout(WITHIN_S):
        told, wrong = await process.communicate()
    if process.returncode != 0:
        raise HledgerRefused(wrong.decode())
    return told.decode()


async def balances(program: Path, journal: Path) -> dict[tuple[str, str], str]:
    """By account and commodity, each account without its sub-accounts."""
    told = await hledger(program, journal, "balance", "--flat", "--empty", "--no-total", "--output-format=csv")
    found: dict[tuple[str, str], str] = {}
    for row in csv.DictReader(io.StringIO(told)):
        for amount in row["balance"].split(", "):
            figure, _, commodity = amount.partition(" ")
            if commodity:
                found[row["account"], commodity.strip('"')] = figure
    return found


if __name__ == "__main__":
    sys.exit(have_ready(find_hledger))  # nothing is fetched while tests run
