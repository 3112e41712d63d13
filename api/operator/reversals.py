"""Reversals: operators undo a payment or a settlement, once."""

from typing import Annotated

from pydantic import ConfigDict, Field
from sqlalchemy import select

from api.idempotency import request_of
from api.receipted import Receipted
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import ULID, AmountText, AssetSymbol, Closed, Line, Moment, Nothing, Shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.reversals.reverse import REASON_MAX, moved_back, reversal_view, reverse_entry

LISTED_MAX = 200
EntryName = Annotated[
    str,
    Field(
        pattern=f"^([a-z]{{3}}_{ULID}|[1-9][0-9]{{0,17}})$",
        examples=["pay_01kbrnaj54fsmfz5xvscqf6q2v"],
        description="The id of a payment or a settlement; or the position in the journal of what was posted.",
    ),
]


class ReversalBody(Closed):
    entry: EntryName
    reason: Line = Field(
        min_length=1, max_length=REASON_MAX, description="It goes on record, and is shown to operators only."
    )


class MovedBack(Shown):
    """Accounts are `owner:code:asset`. What comes from a `receivable` its owner had spent already, and owes from now on."""

    model_config = ConfigDict(serialize_by_alias=True)

    source: str = Field(alias="from")
    to: str
    asset: AssetSymbol
    amount: AmountText


class ReversalView(Shown):
    """`entry` is the position of what was reversed, `reversed` the id by which its parties know it."""

    entry: int
    reversed: str
    reason: str
    created_at: Moment


class ReversalPosted(ReversalView, Receipted):
    """The reversal as it came to be, with a proof that the request was accepted."""

    moved: list[MovedBack]


class ReversalList(Shown):
    items: list[ReversalView]


@route(
    "POST",
    "/v1/operator/reversals",
    access=any_of(Scope.OPERATE, judged=True),
    answer=ReversalPosted,
    statuses=(201,),
    idempotency=Idempotency.REQUIRED,
    refuses=(
        "not_allowed",
        "not_found",
        "not_reversible",
        "already_reversed",
        "asset_paused",
        "account_closed",
        "balance_overflow",
        "idempotency_key_reused",
    ),
)
async def reverse(call: Call[ReversalBody, Nothing]) -> Answer:
    """Undo a payment or a settlement by opposite transfers, once"""
    sent = call.body
    request = request_of(call, "entry.reverse", {"entry": sent.entry, "reason": sent.reason})
    done = await reverse_entry(call.context, call.principal.key, sent.entry, sent.reason, request)
    view = ReversalPosted.model_validate({**done.result, "moved": await moved_back(call.context, done)})
    return Answer(view, 201, done.replayed, done=done)


@route("GET", "/v1/operator/reversals", access=any_of(Scope.OPERATE_READ), answer=ReversalList)
async def list_all(call: Call[Nothing, Nothing]) -> Answer:
    """What was reversed and why, newest first"""
    table = schema.reversals
    rows = await call.context.all(select(table).order_by(table.c.created_at.desc(), table.c.id).limit(LISTED_MAX))
    return Answer(ReversalList(items=[ReversalView.model_validate(reversal_view(row)) for row in rows]))


ROUTES = (reverse, list_all)
