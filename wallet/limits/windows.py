"""Rolling windows: exact to the microsecond, in no time zone, with no midnight.

What left at a moment counts until exactly a window later, and from then on not any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.context import Context
from wallet.ids import CustomerId
from wallet.limits.exits import Used, used_within
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


async def used_under(
    context: Context, owner: CustomerId, asset: str, bounds: Sequence[Bound], now: datetime
) -> dict[Bound, Used]:
    """What of each bound is used; those of one exit alone are not in it."""
    found: dict[Bound, Used] = {}
    for payments in (False, True):
        rolling = [(one, one.window) for one in bounds if one.window is not None and one.payments is payments]
        if rolling:
            windows = sorted({window for _, window in rolling})
            used = await used_within(context, owner, asset, now, windows, payments=payments)
            found |= {one: used[windows.index(window)] for one, window in rolling}
    return found
