"""The ways in which money leaves a customer, each counted where it stands on record.

A new way is one more entry here, and one call of `wallet.limits.admit` where its Change is decided; until then the Journal
refuses it for whoever has limits (`Flags.METERED`). What was taken back before it left is not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, union_all

from wallet import schema
from wallet.context import Context
from wallet.ids import CustomerId, encode_ulid
from wallet.withdrawals.states import State

NOT_LEFT = (State.CANCELLED.value, State.REJECTED.value, State.FAILED.value)
_ID_SLACK = timedelta(days=2)  # ids carry the time of the machine that made them, which no limit rests on


@dataclass(frozen=True, slots=True)
class Used:
    """What has left within a window, and when the first of it did; None where nothing has."""

    units: int
    first_at: datetime | None


NOTHING_USED = Used(0, None)


async def used_within(
    context: Context, owner: CustomerId, asset: str, now: datetime, windows: Sequence[timedelta], *, payments: bool
) -> list[Used]:
    """For each window up to `now`, in one look: what has left this customer or is on its way out."""
    exits = _exits(owner, asset, now - max(windows), payments=payments).subquery()
    inside = [exits.c.at > now - window for window in windows]
    sums = [func.coalesce(func.sum(exits.c.units).filter(one), 0).label(f"units_{n}") for n, one in enumerate(inside)]
    firsts = [func.min(exits.c.at).filter(one).label(f"first_{n}") for n, one in enumerate(inside)]
    found = await context.one(select(*sums, *firsts))
    assert found is not None, "a sum is one row"
    return [Used(int(found[f"units_{n}"]), found[f"first_{n}"]) for n in range(len(windows))]


async def fits_at(
    context: Context,
    owner: CustomerId,
    asset: str,
    now: datetime,
    window: timedelta,
    most: int,
    units: int,
    *,
    payments: bool,
) -> datetime | None:
    """When the oldest exits have left the window so far that this much fits, as far as is known now; None if it never does. It
    does not fit now."""
    if units > most:
        return None
    exits = _exits(owner, asset, now - window, payments=payments).subquery()
    later = func.sum(exits.c.units).over(order_by=exits.c.at.desc(), rows=(None, 0)) - exits.c.units
    left = select(exits.c.at, later.label("later")).subquery()
    found = await context.one(select(func.min(left.c.at).label("at")).where(left.c.later + units <= most))
    if found is None or found["at"] is None:
        return None
    gone: datetime = found["at"]
    return gone + window


def _exits(owner: CustomerId, asset: str, since: datetime, *, payments: bool) -> Any:
    withdrawn = _withdrawn(owner, asset, since)
    if not payments:
        return withdrawn
    to_networks = withdrawn.where(schema.withdrawals.c.payment.is_(None))  # what was paid inside is a payment as well
    return union_all(to_networks, _paid(owner, asset, since))


def _withdrawn(owner: CustomerId, asset: str, since: datetime) -> Select[Any]:
    """Of this customer, and of the customers of this platform together."""
    table = schema.withdrawals
    whose = or_(table.c.owner == owner, table.c.platform == owner)
    counts = (table.c.asset == asset, table.c.created_at > since, table.c.state.not_in(NOT_LEFT))
    return select(table.c.units, table.c.created_at.label("at")).where(whose, *counts)


def _paid(owner: CustomerId, asset: str, since: datetime) -> Select[Any]:
    """A payer's payments are found by their ids, which sort by time."""
    table = schema.payments
    oldest_ms = max(0, int((since - _ID_SLACK).timestamp()) * 1000)
    recent = table.c.id > f"pay_{encode_ulid(oldest_ms, 0)}"
    counts = (table.c.payer == owner, table.c.asset == asset, table.c.created_at > since)
    return select(table.c.units, table.c.created_at.label("at")).where(recent, *counts)
