"""Deposits: what arrived, how far it is, and why if it does not get further."""

from collections.abc import Mapping

from sqlalchemy import select

from api.auth import may_see, subject
from api.pages import page_of_rows
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, CustomerName, Moment, NetworkName, Nothing, Paging, Shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import Context, Record
from wallet.deposits.detect import deposit_view
from wallet.errors import NotFound

_READERS = any_of(Scope.READ, Scope.OPERATE_READ)


class DepositQuery(Paging):
    customer: CustomerName | None = None


class DepositView(Shown):
    id: str
    network: NetworkName
    asset: AssetSymbol
    amount: AmountText
    address: str | None
    status: str
    reason: str | None
    tx: str
    confirmations: int | None
    created_at: Moment
    credited_at: Moment | None


class DepositPage(Shown):
    items: list[DepositView]
    next_cursor: str | None


@route("GET", "/v1/deposits", access=_READERS, answer=DepositPage, refuses=("not_found", "invalid_cursor"))
async def list_all(call: Call[Nothing, DepositQuery]) -> Answer:
    """Deposits, newest first"""
    owner = await subject(call, call.query.customer)
    table = schema.deposits
    rows, following = await page_of_rows(call, f"deposits:{owner}", table, table.c.owner == owner)
    tips = await network_tips(call.context)
    return Answer(DepositPage(items=[shown_deposit(call.context, row, tips) for row in rows], next_cursor=following))


@route("GET", "/v1/deposits/{deposit}", access=_READERS, answer=DepositView, refuses=("not_found",))
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One deposit"""
    table = schema.deposits
    row = await call.context.one(select(table).where(table.c.id == call.path["deposit"]))
    if row is None or not await may_see(call, row["owner"]):
        raise NotFound("deposit", call.path["deposit"])
    return Answer(shown_deposit(call.context, row, await network_tips(call.context)))


async def network_tips(context: Context) -> dict[str, int | None]:
    """The newest height that each network has shown."""
    rows = await context.all(select(schema.network_views.c.network, schema.network_views.c.tip))
    return {row["network"]: row["tip"] for row in rows}


def confirmations(row: Record, tips: Mapping[str, int | None]) -> int | None:
    """Blocks from the deposit's own to the tip, both counted; None before there is one."""
    tip, height = tips.get(row["network"]), row["height"]
    return None if tip is None or height is None else max(tip - height + 1, 1)


def shown_deposit(context: Context, row: Record, tips: Mapping[str, int | None]) -> DepositView:
    view = deposit_view(row, context.asset(row["asset"]).decimals)
    return DepositView.model_validate({**view, "confirmations": confirmations(row, tips)})


ROUTES = (list_all, show)
