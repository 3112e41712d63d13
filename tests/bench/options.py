"""What a number on the command line may be."""

import argparse
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """For `add_argument(type=…)`: a whole number that is not smaller."""

    def read(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"at least {least}")
        return int(text)

    return read


def growing_sizes(text: str) -> tuple[int, ...]:
    """For `add_argument(type=…)`: numbers with commas between."""
    sizes = tuple(at_least(1)(part) for part in text.split(","))
    if list(sizes) != sorted(set(sizes)):
        raise argparse.ArgumentTypeError("sizes grow")
    return sizes


def add_round_options(parser: argparse.ArgumentParser, *, accounts: int) -> None:
    """The options of every measurement that takes turns with pgbench."""
    parser.add_argument("--rounds", type=at_least(1), default=5, help="medians are taken over so many rounds")
    parser.add_argument("--seconds", type=at_least(1), default=15, help="how long each slice of a round runs")
    parser.add_argument("--scale", type=at_least(1), default=128, help="pgbench's scale")
    parser.add_argument("--accounts", type=at_least(2), default=accounts, help="funded accounts")
