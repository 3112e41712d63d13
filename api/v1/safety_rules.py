"""A customer's own safety rules: tightening holds at once, loosening waits and can be cancelled."""

from typing import Any

from pydantic import Field

from api.amounts import read_amount
from api.auth import subject
from api.errors import Problem
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, Closed, CustomerName, Moment, Nothing, Shown
from wallet.access.keys import Scope
from wallet.context import Context
from wallet.safeguards.change import cancel_loosening, set_rules
from wallet.safeguards.read import safeguards_of
from wallet.safeguards.rules import Caps, Rules
from wallet.safeguards.view import safeguards_view

DELAY_MAX_S = 366 * 86_400
ASSETS_MAX = 200  # a node lists some tens


class CapsBody(Closed):
    """Limits in one asset; left out or null is no limit."""

    asset: AssetSymbol
    per_withdrawal: AmountText | None = Field(default=None, description="The most that one withdrawal moves.")
    per_24h: AmountText | None = Field(default=None, description="The most that leaves within any 24 hours.")
    per_7d: AmountText | None = Field(default=None, description="The most that leaves within any 7 days.")
    payments: bool = Field(default=False, description="Payments to others count as well, and are held to it.")


class RulesBody(Closed):
    """The rules as they shall be, whole: nothing is loosened by being left out."""

    destination_delay_s: int = Field(
        ge=0, le=DELAY_MAX_S, description="A saved destination waits at least this long before its first use."
    )
    saved_only: bool = Field(description="Withdrawals go to saved destinations alone.")
    limits: list[CapsBody] = Field(max_length=ASSETS_MAX, examples=[[{"asset": "EUR", "per_24h": "1000.00"}]])
    customer: CustomerName | None = Field(default=None, description="Platforms name a sub-account of theirs.")


class CustomerQuery(Closed):
    customer: CustomerName | None = None


class CapsView(Shown):
    asset: AssetSymbol
    per_withdrawal: AmountText | None
    per_24h: AmountText | None
    per_7d: AmountText | None
    payments: bool


class RulesView(Shown):
    destination_delay_s: int
    saved_only: bool
    limits: list[CapsView]


class Loosening(Shown):
    """From `at` on `rules` hold, unless it is cancelled before."""

    at: Moment
    rules: RulesView


class SafetyRules(Shown):
    """`rules` hold now, beside the node's own, which no customer can loosen, and beside the limits that operators have set."""

    customer: str
    rules: RulesView
    loosening: Loosening | None
    operator_limits: list[CapsView]


@route(
    "GET",
    "/v1/safety-rules",
    access=any_of(Scope.READ, Scope.WITHDRAW, Scope.KEYS, Scope.OPERATE_READ),
    answer=SafetyRules,
    refuses=("not_found",),
)
async def show(call: Call[Nothing, CustomerQuery]) -> Answer:
    """The safety rules that hold, and what is about to loosen them"""
    guards = await safeguards_of(call.context, await subject(call, call.query.customer))
    return Answer(SafetyRules.model_validate(safeguards_view(call.context, guards)))


@route(
    "PUT",
    "/v1/safety-rules",
    access=any_of(Scope.KEYS),
    answer=SafetyRules,
    refuses=("not_found", "customer_closed", "amount_refused"),
)
async def replace(call: Call[RulesBody, Nothing]) -> Answer:
    """Set the rules: what is tighter holds at once, what is looser after a wait"""
    sent = call.body
    wanted = Rules(sent.destination_delay_s, sent.saved_only, read_limits(call.context, sent.limits))
    owner = await subject(call, sent.customer)
    done = await set_rules(call.context, call.principal.key, owner, wanted)
    return Answer(SafetyRules.model_validate(done.result))


@route(
    "DELETE",
    "/v1/safety-rules/loosening",
    access=any_of(Scope.KEYS, Scope.WITHDRAW),
    answer=SafetyRules,
    refuses=("not_found",),
)
async def keep(call: Call[Nothing, CustomerQuery]) -> Answer:
    """Cancel what is about to loosen the rules: they stay as they are"""
    owner = await subject(call, call.query.customer)
    done = await cancel_loosening(call.context, call.principal.key, owner)
    return Answer(SafetyRules.model_validate(done.result))


def read_limits(context: Context, limits: list[CapsBody]) -> dict[str, Caps]:
    found = {one.asset: read_caps(context, one) for one in limits}
    if len(found) < len(limits):
        raise Problem("invalid_request", "an asset stands twice", blame="limits")
    return {asset: caps for asset, caps in found.items() if not caps.is_empty}


def read_caps(context: Context, sent: Any) -> Caps:
    texts = (sent.per_withdrawal, sent.per_24h, sent.per_7d)
    withdrawal, day, week = [None if t is None else read_amount(context, sent.asset, t).units for t in texts]
    return Caps(withdrawal, day, week, sent.payments)


ROUTES = (show, replace, keep)
