"""Payments: customer to customer, at once."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field
from sqlalchemy import or_, select

from api.amounts import read_amount
from api.auth import may_see, subject
from api.errors import MOVE_REFUSALS
from api.idempotency import personal, request_of
from api.pages import page_of_rows
from api.personal import reveal_text
from api.receipted import Receipted
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import (
    AmountText,
    AssetSymbol,
    ClientReference,
    Closed,
    CustomerName,
    Line,
    Moment,
    Nothing,
    Paging,
    Shown,
)
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import Record
from wallet.customers.create import customer_names
from wallet.customers.sub_accounts import PREFIX
from wallet.errors import NotFound
from wallet.money import Amount
from wallet.payments.send import NOTE_MAX, payment_view, send_payment

_TABLE = schema.payments
OPERATION = "payment.send"


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
    client_reference: ClientReference | None = None


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
    client_reference: str | None = Field(default=None, description="The payer's own; for the payer and its platform.")
    created_at: Moment


class PaymentAccepted(PaymentView, Receipted):
    """The payment, with a proof that the request was accepted."""


class PaymentPage(Shown):
    items: list[PaymentView]
    next_cursor: str | None


@route(
    "POST",
    "/v1/payments",
    access=any_of(Scope.PAY, judged=True),
    answer=PaymentAccepted,
    statuses=(201,),
    idempotency=Idempotency.REQUIRED,
    refuses=MOVE_REFUSALS,
)
async def send(call: Call[PaymentBody, Nothing]) -> Answer:
    """Pay another customer; a platform also moves money between accounts of its own"""
    sent, payer = call.body, await subject(call, call.body.payer)
    amount = read_amount(call.context, sent.asset, sent.amount)
    payee = await _payee(call, sent)
    request = request_of(call, OPERATION, payment_meaning(call, sent, payer, payee, amount))
    done = await send_payment(
        call.context, call.principal.key, payer, payee, amount, sent.note, request, sent.client_reference
    )
    view = await _paid(call, sent, done.result)
    return Answer(view, 201, done.replayed, location=f"/v1/payments/{view.id}", done=done)


async def _paid(call: Call[Any, Any], sent: PaymentBody, result: Mapping[str, object]) -> PaymentView:
    """What was committed and what was sent make the whole answer, a retry's too, which sent the same: nothing is read."""
    payer, payee = [await customer_names(call.context, str(result[side])) for side in ("payer", "payee")]
    names = {"payer_handle": payer["handle"], "payee_handle": payee["handle"]}
    return PaymentView.model_validate({**result, **names, "note": sent.note, "client_reference": sent.client_reference})


def payment_meaning(
    call: Call[Any, Any], sent: PaymentBody, payer: str, payee: str, amount: Amount
) -> dict[str, object]:
    """What a retry must repeat. Whose money it is stands there where it is not one's own, since the key is the platform's
    for all of its accounts."""
    meaning: dict[str, object] = {
        "to": payee,
        "asset": sent.asset,
        "units": str(amount.units),
        "note": personal(call.settings, sent.note),
    }
    if payer != call.principal.owner:
        meaning["from"] = payer
    if sent.client_reference is not None:
        meaning["client_reference"] = sent.client_reference
    return meaning


@route("GET", "/v1/payments", access=any_of(Scope.READ), answer=PaymentPage, refuses=("not_found", "invalid_cursor"))
async def list_all(call: Call[Nothing, PaymentQuery]) -> Answer:
    """Payments sent and received, newest first"""
    owner = await subject(call, call.query.customer)
    mine = or_(_TABLE.c.payer == owner, _TABLE.c.payee == owner)
    rows, following = await page_of_rows(call, f"payments:{owner}", _TABLE, mine)
    return Answer(PaymentPage(items=await shown_payments(call, rows), next_cursor=following))


@route("GET", "/v1/payments/{payment}", access=any_of(Scope.READ), answer=PaymentView, refuses=("not_found",))
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One payment"""
    row = await _row(call, call.path["payment"])
    return Answer((await shown_payments(call, [row]))[0])


async def _payee(call: Call[Any, Any], sent: PaymentBody) -> str:
    """In the name of a platform money moves between its own accounts only."""
    within = sent.payer is not None or sent.to.startswith(PREFIX)
    return await subject(call, sent.to) if within else sent.to.removeprefix("@")


async def _row(call: Call[Any, Any], payment: str) -> Record:
    row = await call.context.one(select(_TABLE).where(_TABLE.c.id == payment))
    if row is None or not await may_see(call, row["payer"], row["payee"]):
        raise NotFound("payment", payment)
    return row


async def shown_payments(call: Call[Any, Any], rows: list[Record]) -> list[PaymentView]:
    people = {row[side] for row in rows for side in ("payer", "payee")}
    table = schema.customers
    columns = (table.c.id, table.c.handle, table.c.platform)
    found = await call.context.all(select(*columns).where(table.c.id.in_(people)))
    customers = {customer["id"]: customer for customer in found}
    return [await _shown(call, row, customers) for row in rows]


async def _shown(call: Call[Any, Any], row: Record, customers: Mapping[str, Record]) -> PaymentView:
    view = payment_view(row, call.context.asset(row["asset"]).decimals)
    note = await reveal_text(call.context, row["note_item"])
    payer, payee = customers[row["payer"]], customers[row["payee"]]
    own = call.principal.owner in (payer["id"], payer["platform"])
    reference = row["client_reference"] if own else None
    names = {"payer_handle": payer["handle"], "payee_handle": payee["handle"]}
    return PaymentView.model_validate({**view, **names, "note": note, "client_reference": reference})


ROUTES = (send, list_all, show)
