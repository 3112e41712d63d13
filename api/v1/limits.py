"""Limits: what is left of each, and operators' own for a customer."""

from typing import Literal

from pydantic import Field

from api.auth import subject
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, CustomerName, Line, Moment, Nothing, Shown
from api.v1.safety_rules import CapsBody, CustomerQuery, SafetyRules, read_caps
from wallet.access.keys import Scope
from wallet.limits.view import limits_view
from wallet.safeguards.operator_limits import REASON_MAX, set_operator_limits


class LimitView(Shown):
    """`more_at`: when the oldest of what counts does not count any more; null where nothing does. `customer` is one's own
    id, or that of the platform whose limit binds all of its customers together."""

    customer: str
    asset: AssetSymbol
    limit: Literal["per_withdrawal", "per_24h", "per_7d"]
    set_by: Literal["customer", "operator"]
    payments: bool
    most: AmountText
    left: AmountText
    more_at: Moment | None


class LimitList(Shown):
    items: list[LimitView]


class OperatorLimitsBody(CapsBody):
    """The limits in this asset as they shall be; none at all lifts them."""

    customer: CustomerName
    reason: Line = Field(
        min_length=1, max_length=REASON_MAX, description="It goes on record, and the customer reads it."
    )


@route(
    "GET",
    "/v1/limits",
    access=any_of(Scope.READ, Scope.WITHDRAW, Scope.PAY, Scope.OPERATE_READ),
    answer=LimitList,
    refuses=("not_found",),
)
async def list_all(call: Call[Nothing, CustomerQuery]) -> Answer:
    """What is left of each limit, and when more comes free"""
    owner = await subject(call, call.query.customer)
    return Answer(LimitList(items=[LimitView.model_validate(one) for one in await limits_view(call.context, owner)]))


@route(
    "PUT",
    "/v1/operator/limits",
    access=any_of(Scope.OPERATE),
    answer=SafetyRules,
    refuses=("not_found", "amount_refused"),
)
async def replace(call: Call[OperatorLimitsBody, Nothing]) -> Answer:
    """Set or lift operators' limits for a customer; the customer's own rules stay, and the tighter one wins"""
    sent = call.body
    caps = read_caps(call.context, sent)
    done = await set_operator_limits(call.context, call.principal.key, sent.customer, sent.asset, caps, sent.reason)
    return Answer(SafetyRules.model_validate(done.result))


ROUTES = (list_all, replace)
