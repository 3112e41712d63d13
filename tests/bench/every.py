"""All measurements, one after another, each a process of its own; then one table: `python -m tests.bench.every`."""

import json
import subprocess
import sys

from tests.bench.__main__ import MEASUREMENTS, say
from tests.bench.aims import table


def main() -> int:
    found = {name: figures for name in sorted(MEASUREMENTS) if (figures := _run(name)) is not None}
    say(table(found))
    return 0 if len(found) == len(MEASUREMENTS) else 1


def _run(name: str) -> dict[str, object] | None:
    """What the measurement said is passed on at once; its last line has the figures. None if it failed."""
    say(f"── {name}")
    last = ""
    words = [sys.executable, "-m", "tests.bench", name, "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line.rstrip("\n")
            say(last)
    if process.returncode != 0:
        return None
    figures: dict[str, object] = json.loads(last)
    return figures


if __name__ == "__main__":
    sys.exit(main())
