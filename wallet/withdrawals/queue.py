"""Which requested withdrawals come next: the oldest of an asset first, and who may pass one that waits for funds.

One that is too large for what lies there now is passed by smaller ones that came later, so that a whale does not stop
everybody; but only for `PATIENCE` after it was requested. From then on nothing of its asset on its network passes it: what
arrives is kept for it until it can be paid. So nobody waits for ever, and nobody is paid in part.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, true

from wallet import schema
from wallet.context import Context, Record
from wallet.ids import NetworkId
from wallet.ledger.accounts import Flags
from wallet.withdrawals.states import State

PATIENCE = timedelta(hours=1)
PASSING_MAX = 8  # so many times in one step a smaller one is looked for, each smaller than the last that did not fit

_TABLE = schema.withdrawals


async def assets_asked_for(context: Context, network: NetworkId) -> list[str]:
    """The assets that are waited for on this network, by the oldest withdrawal of each: one look into the index for every
    asset that the node lists, however many wait."""
    listed = schema.assets.c.id
    oldest = select(_TABLE.c.id.label("first")).where(_waits(network, listed)).order_by(_TABLE.c.id).limit(1).lateral()
    rows = await context.all(select(listed).join_from(schema.assets, oldest, true()).order_by(oldest.c.first))
    return [row["id"] for row in rows]


async def requested(
    context: Context, network: NetworkId, asset: str, limit: int, *, after: str = "", below: int | None = None
) -> list[Record]:
    """The oldest after this one, where `below` is given those that are smaller. What a frozen customer asked for waits and
    is not among them, so that it fills no page."""
    found = _payable(network, asset).where(_TABLE.c.id > after)
    fitting = found if below is None else found.where(_TABLE.c.units < below)
    return await context.all(fitting.limit(limit))


async def still_requested(context: Context, rows: Sequence[Record]) -> list[Record]:
    """Those of them that nobody has taken, cancelled or frozen meanwhile. They are of one asset on one network."""
    first = rows[0]
    named = _TABLE.c.id.in_([row["id"] for row in rows])
    return await context.all(_payable(first["network"], first["asset"]).where(named))


def _waits(network: NetworkId, asset: Any) -> ColumnElement[bool]:
    """What must be approved by people first is passed over."""
    is_requested = _TABLE.c.state == State.REQUESTED.value
    is_approved = func.coalesce(_TABLE.c.approvals_missing, 0) == 0
    return and_(_TABLE.c.network == network, _TABLE.c.asset == asset, is_requested, is_approved)


def _payable(network: NetworkId, asset: str) -> Select[Any]:
    accounts = schema.accounts
    of_owner = (accounts.c.owner == _TABLE.c.owner) & (accounts.c.asset == asset) & (accounts.c.code == "balance")
    unfrozen = accounts.c.flags.op("&")(int(Flags.FROZEN)) == 0
    return select(_TABLE).join(accounts, of_owner).where(_waits(network, asset), unfrozen).order_by(_TABLE.c.id)
