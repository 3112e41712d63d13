"""One Change that tells several customers something, each of them only their own part: a submission that pays many withdrawals.

What this prevents: reading from one's own event whom else a payment of the node went to, and how much. The parts stand in the
event's data under one name, so that they are under the same hash; nobody is shown the data itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NAME = "parts"


@dataclass(frozen=True, slots=True)
class Part:
    """`viewers` may see `data`, as an event of this `kind`. `holds` are those that the part's transfers settle or void: by
    them a movement finds the object that it belongs to."""

    viewers: tuple[str, ...]
    kind: str
    data: Mapping[str, object]
    holds: tuple[str, ...] = ()


def in_parts(parts: Sequence[Part]) -> Mapping[str, object]:
    """The data of an event that has parts."""
    told = [
        {"viewers": list(part.viewers), "type": part.kind, "data": part.data, "holds": list(part.holds)}
        for part in parts
    ]
    return {_NAME: told}


def told_to(viewer: str, kind: str, data: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What this viewer is told by an event that they may see: its kind and content, several times where they have several
    parts in it."""
    if _NAME not in data:
        return [(kind, data)]
    return [(part["type"], part["data"]) for part in data[_NAME] if viewer in part["viewers"]]


def part_of(parts: Sequence[Mapping[str, Any]], owner: str, hold: str | None) -> Mapping[str, Any] | None:
    """The content of the part that a transfer of this owner belongs to: by its hold, else the only one that they see."""
    if hold is not None:
        return next((part["data"] for part in parts if hold in part["holds"]), None)
    mine = [part["data"] for part in parts if owner in part["viewers"]]
    return mine[0] if len(mine) == 1 else None
