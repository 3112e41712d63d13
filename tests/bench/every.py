"""All measurements, one after another, each a process of its own; then one table, and docs/benchmarks.md rewritten."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from time import perf_counter

from tests.bench.__main__ import MEASUREMENTS, say
from tests.bench.kept import Kept, circumstances, forget, keep, kept
from tests.bench.report import DOCUMENT, aims, write_into
from tests.bench.report import circumstances as told_circumstances


def main(arguments: Sequence[str] | None = None) -> int:
    """Goes on when one fails, and ends with 1 then. What failed keeps no result: its aims are told as not measured."""
    asked = _parser().parse_args(arguments)
    names = asked.only or sorted(MEASUREMENTS)
    failed = [] if asked.table_only else [name for name in names if not _measured(name, _words(name, asked))]
    results = kept()
    say(aims(results))
    say(told_circumstances(results))
    write_into(DOCUMENT, results)
    say(f"written into {DOCUMENT}")
    for name in failed:
        say(f"{name} failed: what it said stands above")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.every", description=__doc__)
    parser.add_argument("--long", action="store_true", help="with long slices and sizes up to ten million transfers")
    parser.add_argument("--only", nargs="+", choices=sorted(MEASUREMENTS), help="these alone; results of others stay")
    parser.add_argument("--table-only", action="store_true", help="measure nothing: the table of the last results")
    parser.add_argument("--seconds", type=int, help="how long each slice of a round runs, where there are slices")
    parser.add_argument("--rounds", type=int, help="medians are taken over so many rounds")
    return parser


def _words(name: str, asked: argparse.Namespace) -> list[str]:
    """The options of a run: what the measurement names for the short or the long bench, and what was asked over it."""
    measurement = MEASUREMENTS[name]
    words = list(measurement.long if asked.long else measurement.short)
    options = dict(zip(words[::2], words[1::2], strict=True))
    for option in {"seconds", "rounds"} & measurement.takes():
        if (value := getattr(asked, option)) is not None:
            options[f"--{option}"] = str(value)
    return [word for pair in sorted(options.items()) for word in pair]


def _measured(name: str, words: list[str]) -> bool:
    """What the measurement said is passed on at once; its last line has the figures."""
    say(f"── {name} {' '.join(words)}")
    under, started, last = circumstances(), perf_counter(), ""
    command = [sys.executable, "-m", "tests.bench", name, "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line.rstrip("\n")
            if not last.startswith("{"):
                say(last)
    if process.returncode != 0:
        forget(name)
        return False
    keep(Kept(name, words, under, int(perf_counter() - started), json.loads(last)))
    return True


if __name__ == "__main__":
    sys.exit(main())
