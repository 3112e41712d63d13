"""Holds: a platform promises money of its customers, for an order say, and settles or voids them by id."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from sqlalchemy import select

from api.amounts import read_amount
from api.auth import subject
from api.errors import MOVE_REFUSALS
from api.idempotency import request_of
from api.pages import page_of_rows
from api.receipted import Receipted
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import AmountText, AssetSymbol, ClientReference, Closed, CustomerName, Moment, Nothing, Paging, Shown
from api.v1.settlements import SELF, LegPlace, need_pay, place_named
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import Context, Record
from wallet.customers.find import find_parties
from wallet.errors import NotFound
from wallet.holds.place import place_hold
from wallet.holds.release import void_hold
from wallet.holds.states import State, hold_view
from wallet.ids import CustomerId, HoldId
from wallet.journal.body import time_text
from wallet.ledger.accounts import COLLECTED_CODES
from wallet.settlements.settle_hold import settle_hold

_TABLE = schema.placed_holds


def _moment(text: str) -> str:
    """RFC 3339 with an offset, whatever its spelling; kept as UTC, so that a retry in another spelling means the same."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment has an offset")
    return time_text(at.astimezone(UTC))


Expiry = Annotated[
    str,
    Field(
        max_length=40,
        pattern="^20[2-9][0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
        examples=["2036-11-25T12:00:00Z"],
        description="From then on what is left is given back. Without it the hold has no end.",
    ),
    AfterValidator(_moment),
]


class HoldBody(Closed):
    customer: CustomerName
    asset: AssetSymbol
    amount: AmountText
    expires_at: Expiry | None = None
    client_reference: ClientReference | None = None


class HoldView(Shown):
    """`settled` is how much of `amount` settlements have taken."""

    id: str
    customer: str
    asset: AssetSymbol
    amount: AmountText
    settled: AmountText
    status: State
    client_reference: str | None = None
    expires_at: Moment | None
    created_at: Moment
    ended_at: Moment | None


class HoldAccepted(HoldView, Receipted):
    """The hold, with a proof that the request was accepted."""


class HoldSettled(HoldAccepted):
    """The hold as the settlement left it."""

    settlement: str


class SettleBody(Closed):
    to: LegPlace
    amount: AmountText | None = Field(default=None, description="Of the hold's asset. Without it, all that is left.")
    client_reference: ClientReference | None = None


class HoldPage(Shown):
    items: list[HoldView]
    next_cursor: str | None


@route(
    "POST",
    "/v1/holds",
    access=any_of(Scope.PLATFORM, judged=True),
    answer=HoldAccepted,
    statuses=(201,),
    idempotency=Idempotency.REQUIRED,
    refuses=(*MOVE_REFUSALS, "hold_end_refused"),
)
async def place(call: Call[HoldBody, Nothing]) -> Answer:
    """Hold money of a sub-account, or of one's own"""
    need_pay(call)
    sent, platform = call.body, CustomerId(call.principal.owner)
    owner, amount = await subject(call, sent.customer), read_amount(call.context, sent.asset, sent.amount)
    meaning: dict[str, object] = {
        "customer": owner,
        "asset": sent.asset,
        "units": str(amount.units),
        "expires_at": sent.expires_at,
        "client_reference": sent.client_reference,
    }
    ends = None if sent.expires_at is None else datetime.fromisoformat(sent.expires_at)
    request = request_of(call, "hold.place", meaning)
    done = await place_hold(
        call.context, call.principal.key, platform, owner, amount, ends, sent.client_reference, request
    )
    view = HoldView.model_validate({**done.result, "client_reference": sent.client_reference})
    return Answer(view, 201, done.replayed, location=f"/v1/holds/{view.id}", done=done)


@route(
    "POST",
    "/v1/holds/{hold}/void",
    access=any_of(Scope.PLATFORM, judged=True),
    answer=HoldAccepted,
    idempotency=Idempotency.REQUIRED,
    refuses=("not_found", "hold_not_open", "idempotency_key_reused"),
)
async def void(call: Call[Nothing, Nothing]) -> Answer:
    """Give back what is left of a hold"""
    need_pay(call)
    hold, platform = call.path["hold"], CustomerId(call.principal.owner)
    done = await void_hold(
        call.context, call.principal.key, platform, hold, request_of(call, "hold.void", {"hold": hold})
    )
    row = await _row(call, hold)
    view = HoldView.model_validate({**done.result, "client_reference": row["client_reference"]})
    return Answer(view, replayed=done.replayed, done=done)


@route(
    "POST",
    "/v1/holds/{hold}/settle",
    access=any_of(Scope.PLATFORM, judged=True),
    answer=HoldSettled,
    idempotency=Idempotency.REQUIRED,
    refuses=(*MOVE_REFUSALS, "hold_not_open"),
)
async def settle(call: Call[SettleBody, Nothing]) -> Answer:
    """Pay all that is left of a hold, or a part of it, to another account of one's own"""
    need_pay(call)
    sent, platform, hold = call.body, CustomerId(call.principal.owner), HoldId(call.path["hold"])
    row = await _row(call, hold)
    amount = None if sent.amount is None else read_amount(call.context, row["asset"], sent.amount)
    names = set() if sent.to in (SELF, *COLLECTED_CODES) else {sent.to}
    target = place_named(await find_parties(call.context, platform, is_platform=True, names=names), sent.to)
    meaning: dict[str, object] = {
        "hold": hold,
        "to": target.name,
        "units": None if amount is None else str(amount.units),
        "client_reference": sent.client_reference,
    }
    request = request_of(call, "hold.settle", meaning)
    done = await settle_hold(
        call.context, call.principal.key, platform, hold, target, amount, sent.client_reference, request
    )
    view = HoldSettled.model_validate({**done.result, "client_reference": row["client_reference"]})
    return Answer(view, replayed=done.replayed, done=done)


@route("GET", "/v1/holds", access=any_of(Scope.PLATFORM), answer=HoldPage, refuses=("invalid_cursor",))
async def list_all(call: Call[Nothing, Paging]) -> Answer:
    """Holds that one has placed, newest first"""
    rows, following = await page_of_rows(call, "holds", _TABLE, _TABLE.c.platform == call.principal.owner)
    return Answer(HoldPage(items=[_shown(call.context, row) for row in rows], next_cursor=following))


@route("GET", "/v1/holds/{hold}", access=any_of(Scope.PLATFORM), answer=HoldView, refuses=("not_found",))
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One hold"""
    return Answer(_shown(call.context, await _row(call, call.path["hold"])))


async def _row(call: Call[Any, Any], hold: str) -> Record:
    row = await call.context.one(select(_TABLE).where(_TABLE.c.id == hold))
    if row is None or row["platform"] != call.principal.owner:
        raise NotFound("hold", hold)
    return row


def _shown(context: Context, row: Record) -> HoldView:
    view = hold_view(row, context.asset(row["asset"]).decimals)
    return HoldView.model_validate({**view, "client_reference": row["client_reference"]})


ROUTES = (place, settle, void, list_all, show)
