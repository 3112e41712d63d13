"""Payments: customer to customer, at once."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field
from sqlalchemy import or_, select

from api.amounts import read_amount
from api.auth import may_see, subject
from api.idempotency import personal, request_of
from api.pages import page_of_rows
from api.personal import reveal_text
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import AmountText, AssetSymbol, Closed, CustomerName, Line, Moment, Nothing, Paging, Shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import Context, Record
from wallet.customers.sub_accounts import PREFIX
from wallet.errors import NotFound
from wallet.payments.send import NOTE_MAX, payment_view, send_payment

_TABLE = schema.payments


class PaymentBody(Closed):
    to: CustomerName
    payer: CustomerName | None = Field(
        default=None,
        alias="from",
        description="Platforms name a sub-account of theirs, or themselves; then `to` is one of these as well.",
    )
    asset: AssetSymbol
    amount: AmountText
    note: Line | None = Field(default=None, min_length=1, max_length=NOTE_MAX, examples=["lunch"])


class PaymentQuery(Paging):
    customer: CustomerName | None = None


class PaymentView(Shown):
    """A sub-account has no handle."""

    id: str
    payer: str
    payer_handle: str | None
    payee: str
    payee_handle: str | None
    asset: AssetSymbol
    amount: AmountText
    note: str | None
    created_at: Moment


class PaymentPage(Shown):
    items: list[PaymentView]
    next_cursor: str | None


@route(
    "POST",
    "/v1/payments",
    access=any_of(Scope.PAY),
    answer=PaymentView,
    statuses=(201,),
    idempotency=Idempotency.REQUIRED,
    refuses=(
        "amount_refused",
        "not_allowed",
        "not_found",
        "insufficient_funds",
        "account_frozen",
        "account_closed",
        "asset_paused",
        "idempotency_key_reused",
    ),
)
async def send(call: Call[PaymentBody, Nothing]) -> Answer:
    """Pay another customer; a platform also moves money between accounts of its own"""
    sent, payer = call.body, await subject(call, call.body.payer)
    amount = read_amount(call.context, sent.asset, sent.amount)
    payee = await _payee(call, sent)
    meaning: dict[str, object] = {
        **({"from": payer} if payer != call.principal.owner else {}),
        "to": payee,
        "asset": sent.asset,
        "units": str(amount.units),
        "note": personal(call.settings, sent.note),
    }
    request = request_of(call, "payment.send", meaning)
    done = await send_payment(call.context, call.principal.key, payer, payee, amount, sent.note, request)
    row = await _row(call, str(done.result["id"]))
    return Answer(
        (await shown_payments(call.context, [row]))[0], 201, done.replayed, location=f"/v1/payments/{row['id']}"
    )


@route("GET", "/v1/payments", access=any_of(Scope.READ), answer=PaymentPage, refuses=("not_found", "invalid_cursor"))
async def list_all(call: Call[Nothing, PaymentQuery]) -> Answer:
    """Payments sent and received, newest first"""
    owner = await subject(call, call.query.customer)
    mine = or_(_TABLE.c.payer == owner, _TABLE.c.payee == owner)
    rows, following = await page_of_rows(call, f"payments:{owner}", _TABLE, mine)
    return Answer(PaymentPage(items=await shown_payments(call.context, rows), next_cursor=following))


@route("GET", "/v1/payments/{payment}", access=any_of(Scope.READ), answer=PaymentView, refuses=("not_found",))
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One payment"""
    row = await _row(call, call.path["payment"])
    return Answer((await shown_payments(call.context, [row]))[0])


async def _payee(call: Call[Any, Any], sent: PaymentBody) -> str:
    """In the name of a platform money moves between its own accounts only."""
    within = sent.payer is not None or sent.to.startswith(PREFIX)
    return await subject(call, sent.to) if within else sent.to.removeprefix("@")


async def _row(call: Call[Any, Any], payment: str) -> Record:
    row = await call.context.one(select(_TABLE).where(_TABLE.c.id == payment))
    if row is None or not await may_see(call, row["payer"], row["payee"]):
        raise NotFound("payment", payment)
    return row


async def shown_payments(context: Context, rows: list[Record]) -> list[PaymentView]:
    people = {row[side] for row in rows for side in ("payer", "payee")}
    table = schema.customers
    found = await context.all(select(table.c.id, table.c.handle).where(table.c.id.in_(people)))
    handles = {customer["id"]: customer["handle"] for customer in found}
    return [await _shown(context, row, handles) for row in rows]


async def _shown(context: Context, row: Record, handles: Mapping[str, str | None]) -> PaymentView:
    view = payment_view(row, context.asset(row["asset"]).decimals)
    note = await reveal_text(context, row["note_item"])
    names = {"payer_handle": handles[row["payer"]], "payee_handle": handles[row["payee"]]}
    return PaymentView.model_validate({**view, **names, "note": note})


ROUTES = (send, list_all, show)
