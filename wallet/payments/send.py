"""Send a payment."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import structs

from wallet.context import Context, Record
from wallet.customers.create import customer_names
from wallet.errors import AmountRefused, NotAllowed, NotFound, Unmetered
from wallet.ids import CustomerId, PaymentId
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Request, Requirement
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.limits.admit import admit_payment
from wallet.limits.turns import turn_to_leave
from wallet.money import Amount, format_units
from wallet.vault.items import ItemKind, SealedItem

NOTE_MAX = 140


def payment_view(row: Record, decimals: int) -> dict[str, object]:
    return {
        "id": row["id"],
        "payer": row["payer"],
        "payee": row["payee"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "created_at": time_text(row["created_at"]),
    }


async def send_payment(
    context: Context,
    actor: str,
    payer: CustomerId,
    payee: str,
    amount: Amount,
    note: str | None,
    request: Request,
    client_reference: str | None = None,
) -> Committed:
    """Move money to another customer, named by handle or id.

    Raises `NotFound`, `AssetPaused`, `AmountRefused`, `NotAllowed` (to oneself), `InsufficientFunds`, `AccountFrozen`,
    `LimitExceeded`.
    A retry under the same key returns the first answer. A payer uses a `client_reference` once, for ever (`AlreadyExists`).
    """
    decide = partial(_decide, context, actor, payer, payee, amount, note, request, client_reference)
    try:
        return await repeatable(context.journal, request, decide, context.recent)
    except Unmetered:
        return await send_metered(context, payer, amount, request, decide)


async def send_metered(
    context: Context,
    payer: CustomerId,
    amount: Amount,
    request: Request,
    decide: Callable[[datetime], Awaitable[Change]],
) -> Committed:
    """A payment of somebody who has limits. Raises `LimitExceeded` beside what `decide` raises."""

    async def admitted() -> Change:
        admission = await admit_payment(context, payer, amount)
        change = await decide(admission.at)
        requires, writes = (*change.requires, *admission.requires), (*change.writes, *admission.writes)
        return structs.replace(change, requires=requires, writes=writes, metered=True)

    async with turn_to_leave(context, payer):
        return await repeatable(context.journal, request, admitted, context.recent)


async def _decide(
    context: Context,
    actor: str,
    payer: CustomerId,
    payee: str,
    amount: Amount,
    note: str | None,
    request: Request,
    client_reference: str | None,
    at: datetime | None = None,
) -> Change:
    receiver = await _payee(context, payer, payee)
    if not amount:
        raise AmountRefused("a payment moves at least one base unit")
    if receiver == payer:
        raise NotAllowed("a payment goes to somebody else")
    unpaused = await context.unpaused_lately(amount.asset)
    sealed = context.seal(payer, ItemKind.NOTE, note) if note else None
    payment, now = PaymentId(context.new_id("pay")), at or context.clock.now()
    return payment_change(actor, payment, payer, receiver, amount, sealed, now, unpaused, request, client_reference)


async def _payee(context: Context, payer: CustomerId, name: str) -> CustomerId:
    """A sub-account is paid by its platform and by the platform's other sub-accounts; for others it does not exist."""
    found = await customer_names(context, name)
    platform = found["platform"]
    if platform not in (None, payer) and (await customer_names(context, payer))["platform"] != platform:
        raise NotFound("customer", name)
    return CustomerId(found["id"])


def payment_change(
    actor: str,
    payment: PaymentId,
    payer: CustomerId,
    payee: CustomerId,
    amount: Amount,
    note: SealedItem | None,
    at: datetime,
    unpaused: Requirement,
    request: Request,
    client_reference: str | None = None,
) -> Change:
    """The Change behind a payment whose parties are known. Pure: whether it is covered is judged by the Journal. The request
    is the payer's, or their platform's."""
    row: dict[str, Any] = {
        "id": payment,
        "payer": payer,
        "payee": payee,
        "asset": amount.asset.symbol,
        "units": amount.units,
        "note_item": note.id if note else None,
        "created_at": at,
    }
    if client_reference is not None:  # the payer's own: it is not in the event, which the payee sees
        row["client_reference"] = client_reference
    view = payment_view(row, amount.asset.decimals)
    return Change(
        actor=actor,
        kind=EventKind.PAYMENT_SENT,
        data=view,
        entry=templates.payment_sent(payer, payee, amount),
        requires=(*request.standing, unpaused),
        writes=(Insert("payments", row),),
        vault=(note,) if note else (),
        viewers=() if request.owner in (payer, payee) else (request.owner,),  # payer and payee see what they own
        request=request,
        result=view,
    )
