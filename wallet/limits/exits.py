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
class Left:
    """So much left at that moment, or is on its way out since then."""

    at: datetime
    units: int


async def units_left(context: Context, owner: CustomerId, asset: str, since: datetime, *, payments: bool) -> int:
    """What has left this customer after that moment."""
    exits = _exits(owner, asset, since, payments=payments).subquery()
    found = await context.one(select(func.coalesce(func.sum(exits.c.units), 0).label("units")))
    return 0 if found is None else int(found["units"])


async def exits_since(
    context: Context, owner: CustomerId, asset: str, since: datetime, *, payments: bool
) -> Sequence[Left]:
    """One by one, oldest first."""
    exits = _exits(owner, asset, since, payments=payments).subquery()
    rows = await context.all(select(exits).order_by(exits.c.at))
    return [Left(row["at"], int(row["units"])) for row in rows]


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
