"""Reckoning with rolling windows. Pure: exact to the microsecond, in no time zone, with no midnight.

What left at a moment counts until exactly a window later, and from then on not any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.limits.exits import Left
from wallet.safeguards.rules import Caps

DAY, WEEK = timedelta(hours=24), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Bound:
    """At most so much within any window; None for one exit alone. `name` is the API's word, `by` who set it."""

    name: str
    by: str
    most: int
    window: timedelta | None = None
    payments: bool = False


def bounds_of(caps: Caps, by: str) -> list[Bound]:
    given = (
        ("per_withdrawal", caps.withdrawal_units, None),
        ("per_24h", caps.day_units, DAY),
        ("per_7d", caps.week_units, WEEK),
    )
    return [Bound(name, by, most, window, caps.payments) for name, most, window in given if most is not None]


def fits_at(exits: Sequence[Left], window: timedelta, most: int, units: int) -> datetime | None:
    """When the oldest exits have left the window so far that this much fits; None if it never does. `exits` are those of the
    window, oldest first, and do not leave room for it now."""
    if units > most:
        return None
    left = sum(one.units for one in exits)
    for one in exits:
        left -= one.units
        if left + units <= most:
            return one.at + window
    raise AssertionError("an empty window has room for what the limit allows")
