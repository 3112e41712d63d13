"""Send a payment."""

from wallet.context import Context, Record
from wallet.customers.create import find_customer
from wallet.errors import AmountRefused, NotAllowed
from wallet.ids import CustomerId, PaymentId
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Request
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.money import Amount, format_units
from wallet.vault.items import ItemKind

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
    context: Context, actor: str, payer: CustomerId, payee: str, amount: Amount, note: str | None, request: Request
) -> Committed:
    """Move money to another customer, named by handle or id.

    Raises `NotFound`, `AssetPaused`, `AmountRefused`, `NotAllowed` (to oneself), `InsufficientFunds`, `AccountFrozen`.
    A retry under the same key returns the first answer.
    """
    return await repeatable(
        context.journal, request, lambda: _decide(context, actor, payer, payee, amount, note, request)
    )


async def _decide(
    context: Context, actor: str, payer: CustomerId, payee: str, amount: Amount, note: str | None, request: Request
) -> Change:
    receiver = CustomerId((await find_customer(context, payee))["id"])
    if not amount:
        raise AmountRefused("a payment moves at least one base unit")
    if receiver == payer:
        raise NotAllowed("a payment goes to somebody else")
    unpaused = await context.unpaused(amount.asset)
    sealed = context.seal(payer, ItemKind.NOTE, note) if note else None
    row = {
        "id": PaymentId(context.new_id("pay")),
        "payer": payer,
        "payee": receiver,
        "asset": amount.asset.symbol,
        "units": amount.units,
        "note_item": sealed.id if sealed else None,
        "created_at": context.clock.now(),
    }
    view = payment_view(row, amount.asset.decimals)
    return Change(
        actor=actor,
        kind=EventKind.PAYMENT_SENT,
        data=view,
        entry=templates.payment_sent(payer, receiver, amount),
        requires=(unpaused,),
        writes=(Insert("payments", row),),
        vault=(sealed,) if sealed else (),
        viewers=(payer, receiver),
        request=request,
        result=view,
    )
