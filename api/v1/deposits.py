"""Deposits: what arrived, how far it is, and why if it does not get further.

What arrived and is nothing that we list (a stray, `str_…`) stands in the same list: whoever sent it looks for it there.
"""

from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import func, select

from api.auth import may_see, subject
from api.pages import page_of_tables
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, CustomerName, Moment, NetworkName, Nothing, Paging, Shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import Context, Record
from wallet.deposits.progress import Progress, progress_of
from wallet.deposits.view import deposit_view
from wallet.deposits.ways_out import WAYS_OUT
from wallet.errors import NotFound
from wallet.strays.states import State
from wallet.strays.view import stray_view

_READERS = any_of(Scope.READ, Scope.OPERATE_READ)


class DepositQuery(Paging):
    customer: CustomerName | None = None


class ClaimView(Shown):
    """What a contract says of itself. Nobody vouches for any of it: a token may call itself by any name."""

    contract: str
    units: str = Field(description="The contract's own base units.", examples=["25000000"])
    symbol: str | None
    decimals: int | None


class DepositView(Shown):
    """`asset` and `amount` are null, and `claim` is there, for what no listing covers."""

    id: str
    network: NetworkName
    asset: AssetSymbol | None
    amount: AmountText | None
    address: str | None
    status: str
    reason: str | None
    way_out: str | None = Field(description="What can be done, where it is not credited by itself.")
    claim: ClaimView | None
    tx: str
    confirmations: int | None = Field(description="0 while it is announced and in no block yet.")
    confirmations_needed: int | None = Field(
        description="How many it takes, while it waits and where that can be said. It grows with what else arrives."
    )
    created_at: Moment
    credited_at: Moment | None


class DepositPage(Shown):
    """`beyond` counts what no listing covers and was too much to list: a flood of worthless tokens."""

    items: list[DepositView]
    next_cursor: str | None
    beyond: int


@route("GET", "/v1/deposits", access=_READERS, answer=DepositPage, refuses=("not_found", "invalid_cursor"))
async def list_all(call: Call[Nothing, DepositQuery]) -> Answer:
    """Deposits, newest first"""
    owner = await subject(call, call.query.customer)
    of_owner = {p: (table, table.c.owner == owner) for p, table in (("dep", schema.deposits), ("str", schema.strays))}
    rows, following = await page_of_tables(call, f"deposits:{owner}", of_owner)
    items = await shown(call.context, rows)
    return Answer(DepositPage(items=items, next_cursor=following, beyond=await _beyond(call.context, owner)))


@route("GET", "/v1/deposits/{deposit}", access=_READERS, answer=DepositView, refuses=("not_found",))
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One deposit"""
    named = call.path["deposit"]
    table = schema.strays if named.startswith("str_") else schema.deposits
    row = await call.context.one(select(table).where(table.c.id == named))
    if row is None or not await may_see(call, row["owner"]):
        raise NotFound("deposit", named)
    (item,) = await shown(call.context, [row])
    return Answer(item)


async def _beyond(context: Context, owner: str) -> int:
    table = schema.stray_counts
    row = await context.one(select(func.sum(table.c.beyond).label("beyond")).where(table.c.owner == owner))
    return int(row["beyond"] or 0) if row else 0


def shown_deposit(context: Context, row: Record, progress: Progress) -> DepositView:
    view = deposit_view(row, context.asset(row["asset"]).decimals)
    way_out = WAYS_OUT.get(str(row["reason"]))
    return DepositView.model_validate({**view, "way_out": way_out, "claim": None, **_shown_progress(progress)})


def shown_stray(row: Record, progress: Progress) -> DepositView:
    """As an item of the same list: there, and nobody's balance."""
    own = {"asset": None, "amount": None, "credited_at": None, **_shown_progress(progress)}
    way_out = WAYS_OUT[row["reason"]] if row["state"] == State.SEEN else None
    return DepositView.model_validate({**stray_view(row), **own, "way_out": way_out})


def _shown_progress(progress: Progress) -> dict[str, int | None]:
    return {"confirmations": progress.confirmations, "confirmations_needed": progress.needed}


async def shown(context: Context, rows: Sequence[Record]) -> list[DepositView]:
    """Deposits and strays, in their order."""
    progress = await progress_of(context, rows)
    return [
        shown_stray(row, progress[row["id"]])
        if row["id"].startswith("str_")
        else shown_deposit(context, row, progress[row["id"]])
        for row in rows
    ]


ROUTES = (list_all, show)
