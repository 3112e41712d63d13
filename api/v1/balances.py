"""Balances: posted is settled, held is promised, available is what may be spent."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from api.auth import subject
from api.errors import Problem
from api.moments import MomentAsked
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, Closed, CustomerName, Moment, Nothing, Shown, whole
from wallet.access.keys import Scope
from wallet.journal.body import time_text
from wallet.ledger.balances import balance_views, collected_views, past_standings, standings
from wallet.ledger.moments import check_place, place_at


class BalancesQuery(Closed):
    customer: CustomerName | None = None
    at: Annotated[MomentAsked | None, Field(description="As the books stood then; now without it.")] = None
    position: Annotated[
        Annotated[int, BeforeValidator(whole)] | None,
        Field(ge=0, description="For operators: as they stood after this Change of the journal."),
    ] = None


class BalanceView(Shown):
    asset: AssetSymbol
    posted: AmountText
    held: AmountText
    available: AmountText
    receivable: AmountText = Field(description="What the customer owes the house.")


class CollectedView(Shown):
    account: str = Field(description="`fees` or `markup`.")
    asset: AssetSymbol
    amount: AmountText


class BalanceList(Shown):
    at: Moment | None = Field(description="The moment asked for; null for now, or for a position.")
    position: int | None = Field(description="For operators: the last Change that counts; null for now.")
    items: list[BalanceView]
    collected: list[CollectedView] = Field(
        description="What a platform took from its customers, apart from its balance."
    )


@route(
    "GET",
    "/v1/balances",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=BalanceList,
    refuses=("not_found", "moment_to_come", "position_to_come", "moment_archived"),
)
async def list_all(call: Call[Nothing, BalancesQuery]) -> Answer:
    """Balances now or at a past moment, one for each listed asset"""
    owner, seq = await subject(call, call.query.customer), await _place(call)
    found = await (standings(call.context, owner) if seq is None else past_standings(call.context, owner, seq))
    at = call.query.at
    return Answer(
        BalanceList(
            at=None if at is None else time_text(at),
            position=seq if call.principal.is_operator else None,
            items=[BalanceView.model_validate(view) for view in balance_views(call.context, found)],
            collected=[CollectedView.model_validate(view) for view in collected_views(call.context, found)],
        )
    )


async def _place(call: Call[Nothing, BalancesQuery]) -> int | None:
    """The last Change that counts, or None for now. Only operators know sequences: they tell of everybody's business."""
    at, position = call.query.at, call.query.position
    if position is not None:
        if not call.principal.is_operator:
            raise Problem("invalid_request", "customers ask by time", blame="position")
        if at is not None:
            raise Problem("invalid_request", "ask by time or by position, not by both", blame="position")
        await check_place(call.context, position)
        return position
    return None if at is None else await place_at(call.context, at)


ROUTES = (list_all,)
