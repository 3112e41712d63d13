"""Balances: posted is settled, held is promised, available is what may be spent."""

from api.auth import subject
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, Closed, CustomerName, Nothing, Shown
from wallet.access.keys import Scope
from wallet.ledger.balances import balances


class WhoseQuery(Closed):
    customer: CustomerName | None = None


class BalanceView(Shown):
    asset: AssetSymbol
    posted: AmountText
    held: AmountText
    available: AmountText


class BalanceList(Shown):
    items: list[BalanceView]


@route(
    "GET",
    "/v1/balances",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=BalanceList,
    refuses=("not_found",),
)
async def list_all(call: Call[Nothing, WhoseQuery]) -> Answer:
    """Balances, one for each listed asset"""
    owner = await subject(call, call.query.customer)
    items = [BalanceView.model_validate(item) for item in await balances(call.context, owner)]
    return Answer(BalanceList(items=items))


ROUTES = (list_all,)
