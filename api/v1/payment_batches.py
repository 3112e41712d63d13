"""Payments by the thousand: one request, each payment accepted or refused on its own."""

from functools import partial

from pydantic import Field

from api.amounts import read_amount
from api.batches import Keyed, Outcomes, answer_each
from api.idempotency import item_request, personal, request_of
from api.json_body import BATCH_BYTES_MAX
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import Closed, Nothing
from api.v1.payments import OPERATION, PaymentBody, payment_meaning
from wallet.access.keys import Scope
from wallet.context import Record
from wallet.customers.find import Parties, find_parties
from wallet.customers.sub_accounts import PREFIX
from wallet.errors import NotFound, Refusal
from wallet.ids import CustomerId
from wallet.payments.batch import BATCH_MAX, PaymentDraft, send_payments

_EXAMPLE = {"key": "pay-1", "to": "@bob", "asset": "EUR", "amount": "12.50"}


class PaymentItem(PaymentBody, Keyed):
    """A payment as it could be sent alone, with a key of its own."""


class PaymentsBody(Closed):
    items: list[PaymentItem] = Field(min_length=1, max_length=BATCH_MAX, examples=[[_EXAMPLE]])


@route(
    "POST",
    "/v1/payments/batch",
    access=any_of(Scope.PAY, judged=True),
    answer=Outcomes,
    idempotency=Idempotency.REQUIRED,
    refuses=("idempotency_key_reused",),
    bytes_max=BATCH_BYTES_MAX,
)
async def send(call: Call[PaymentsBody, Nothing]) -> Answer:
    """Send many payments, each accepted or refused on its own"""
    items, context, principal = call.body.items, call.context, call.principal
    names = {name for item in items for name in (item.to, item.payer) if name is not None}
    parties = await find_parties(context, CustomerId(principal.owner), is_platform=principal.is_platform, names=names)
    request = request_of(call, "payment.batch", _meaning(call))
    commit = partial(send_payments, context, principal.key)
    return await answer_each(call, items, request, partial(_read, call, parties), commit)


def _read(call: Call[PaymentsBody, Nothing], parties: Parties, item: PaymentItem) -> PaymentDraft:
    """Raises `Refusal` or `Problem` for an item that makes no sense here; it is not remembered."""
    amount = read_amount(call.context, item.asset, item.amount)
    payer = parties.owner if item.payer is None else parties.own(item.payer)
    if item.payer is not None or item.to.startswith(PREFIX):
        payee: CustomerId | Refusal = CustomerId(parties.own(item.to)["id"])
        name = str(payee)
    else:
        payee, name = _payee(parties, payer, item.to), item.to.removeprefix("@")
    meaning = payment_meaning(call, item, payer["id"], name, amount)
    request = item_request(call, OPERATION, item.key, meaning)
    return PaymentDraft(CustomerId(payer["id"]), payee, amount, item.note, item.client_reference, request)


def _payee(parties: Parties, payer: Record, name: str) -> CustomerId | Refusal:
    """Who is not there now may have been when the item first came, so that it is looked for in memory before it is refused."""
    try:
        return CustomerId(parties.payee(payer, name)["id"])
    except NotFound as missing:
        return missing


def _meaning(call: Call[PaymentsBody, Nothing]) -> dict[str, object]:
    """The batch as it was sent, whatever it meets here."""
    return {
        "items": [
            [
                item.key,
                item.payer,
                item.to,
                item.asset,
                item.amount,
                personal(call.settings, item.note),
                item.client_reference,
            ]
            for item in call.body.items
        ]
    }


ROUTES = (send,)
