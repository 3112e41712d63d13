"""Rounds in which every contender runs once, in an order that turns, so that none always follows another's checkpoint."""

from collections.abc import Awaitable, Callable, Mapping
from statistics import median

Figures = dict[str, float]
Contenders = Mapping[str, Callable[[], Awaitable[Figures]]]
Say = Callable[[str], None]


async def run_rounds(contenders: Contenders, rounds: int, say: Say) -> list[dict[str, Figures]]:
    """For each round the figures by contender, told as they come."""
    found: list[dict[str, Figures]] = []
    for number in range(rounds):
        names = list(contenders)
        turn = number % len(names)
        figures: dict[str, Figures] = {}
        for name in names[turn:] + names[:turn]:
            figures[name] = await contenders[name]()
            say(f"round {number + 1} of {rounds}  {name:<14} {told(figures[name])}")
        found.append(figures)
    return found


def medians(rounds: list[dict[str, Figures]]) -> dict[str, Figures]:
    """Each figure's median over the rounds."""
    first = rounds[0]
    return {name: {key: round(median(r[name][key] for r in rounds), 2) for key in first[name]} for name in first}


def ratio_medians(ratios: list[Figures]) -> Figures:
    return {name: round(median(r[name] for r in ratios), 2) for name in ratios[0]}


def told(figures: Mapping[str, float]) -> str:
    return "  ".join(f"{key} {value:,.1f}" for key, value in figures.items())
