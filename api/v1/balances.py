"""Balances: posted is settled, held is promised, available is what may be spent."""

from pydantic import Field

from api.auth import subject
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, Closed, CustomerName, Nothing, Shown
from wallet.access.keys import Scope
from wallet.ledger.balances import balances
from wallet.ledger.collected import collected


class WhoseQuery(Closed):
    customer: CustomerName | None = None


class BalanceView(Shown):
    asset: AssetSymbol
    posted: AmountText
    held: AmountText
    available: AmountText


class CollectedView(Shown):
    account: str = Field(description="`fees` or `markup`.")
    asset: AssetSymbol
    amount: AmountText


class BalanceList(Shown):
    items: list[BalanceView]
    collected: list[CollectedView] = Field(
        description="What a platform took from its customers, apart from its balance."
    )


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
    own = [CollectedView.model_validate(item) for item in await collected(call.context, owner)]
    return Answer(BalanceList(items=items, collected=own))


ROUTES = (list_all,)
