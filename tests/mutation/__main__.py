"""Mutates the pure code of money and says how much the tests notice. Fails below the least score."""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.modules import MUTATED, SCORE_LEAST
from tests.mutation.run import Mutant, found, judge_from_start, prepare, run_mutmut
from tests.mutation.survivors import unexplained

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".coffer" / "mutation"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tell(mutants: Sequence[Mutant]) -> int:
    """A line per module, then the survivors that nobody has explained. Returns noticed mutants of a hundred, rounded down."""
    for module in dict.fromkeys(mutant.module for mutant in mutants):
        own = [mutant for mutant in mutants if mutant.module == module]
        noticed = sum(mutant.is_noticed for mutant in own)
        say(f"{module:34} {noticed:4} of {len(own):4} noticed  {100 * noticed // len(own):3} %")
    survivors = [mutant for mutant in mutants if not mutant.is_noticed]
    new = unexplained(survivors)
    for mutant in new:
        say(f"\n{mutant.module} {mutant.function}: {mutant.status}\n  was    {mutant.was}\n  became {mutant.became}")
    timed_out = sum(mutant.status == "timeout" for mutant in mutants)
    score = 100 * (len(mutants) - len(survivors)) // max(len(mutants), 1)
    say(f"\n{len(mutants)} mutants, {timed_out} noticed by never ending, {len(survivors)} survived: score {score} %")
    say(f"{len(new)} survivors are not explained in survivors.toml")
    return score


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--module", choices=MUTATED, help="this one alone, such as wallet/journal/judge.py")
    parser.add_argument("--at-once", type=int, default=2, help="processes (default 2)")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="only so many, drawn at random: for a machine that is busy"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default 1)")
    parser.add_argument("--again", action="store_true", help="tell once more what the last run found")
    asked = parser.parse_args(arguments)
    modules = [asked.module] if asked.module else list(MUTATED)
    started = time.monotonic()
    if not asked.again:
        prepare(ROOT, FOLDER, modules)
        made = found(FOLDER, modules)
        drawn = random.Random(asked.seed).sample(made, min(asked.sample, len(made))) if asked.sample else made
        run_mutmut(FOLDER, drawn, asked.at_once)
        left = [mutant for mutant in found(FOLDER, modules) if mutant.status in {"survived", "no tests"}]
        say(f"\n{len(left)} survived; once more on each, from the start")
        judge_from_start(FOLDER, left, asked.at_once)
        say(f"{len(drawn)} of {len(made)}" + (f", drawn with the seed {asked.seed}" if asked.sample else ""))
    run = [mutant for mutant in found(FOLDER, modules) if mutant.status != "not checked"]  # it may have been cut short
    score = tell(run)
    say(f"{time.monotonic() - started:.0f} s")
    return 0 if score >= SCORE_LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
