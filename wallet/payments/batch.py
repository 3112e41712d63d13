"""Send many payments: looked up together, judged each on its own, committed in as few transactions as the Journal makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from wallet.batches.commit import EXPECTED, Allowed, Decide, Outcome, commit_each, look_at_assets
from wallet.context import Context
from wallet.errors import AmountRefused, NotAllowed, Refusal, Unmetered
from wallet.ids import CustomerId, PaymentId
from wallet.journal.change import Change, Request
from wallet.money import Amount
from wallet.payments.send import payment_change, send_metered
from wallet.vault.items import ItemKind

BATCH_MAX = 1_000  # payments a request: some tens of milliseconds of the process


@dataclass(frozen=True, slots=True)
class PaymentDraft:
    """One payment between parties that were looked up; a payee who is not there comes as the refusal."""

    payer: CustomerId
    payee: CustomerId | Refusal
    amount: Amount
    note: str | None
    client_reference: str | None
    request: Request


async def send_payments(context: Context, actor: str, drafts: Sequence[PaymentDraft]) -> list[Outcome]:
    """What became of each, in order."""

    async def look(pending: Sequence[PaymentDraft]) -> Decide[PaymentDraft]:
        allowed = await look_at_assets(context, {draft.amount.asset.symbol for draft in pending})
        return partial(_decide, context, actor, allowed)

    outcomes = await commit_each(context, drafts, look)
    return [
        await _metered(context, actor, draft) if isinstance(outcome, Unmetered) else outcome
        for draft, outcome in zip(drafts, outcomes, strict=True)
    ]


async def _metered(context: Context, actor: str, draft: PaymentDraft) -> Outcome:
    """Those of a payer who has limits count one after the other, in order."""

    async def decide(at: datetime) -> Change:
        allowed = await look_at_assets(context, {draft.amount.asset.symbol})
        return _decide(context, actor, allowed, draft, at)

    try:
        return await send_metered(context, draft.payer, draft.amount, draft.request, decide)
    except EXPECTED as end:
        return end


def _decide(context: Context, actor: str, allowed: Allowed, draft: PaymentDraft, at: datetime | None = None) -> Change:
    if isinstance(draft.payee, Refusal):
        raise draft.payee
    if not draft.amount:
        raise AmountRefused("a payment moves at least one base unit")
    if draft.payee == draft.payer:
        raise NotAllowed("a payment goes to somebody else")
    unpaused = allowed.requirement(draft.amount.asset.symbol)
    note = context.seal(draft.payer, ItemKind.NOTE, draft.note) if draft.note else None
    return payment_change(
        actor,
        PaymentId(context.new_id("pay")),
        draft.payer,
        draft.payee,
        draft.amount,
        note,
        at or context.clock.now(),
        unpaused,
        draft.request,
        draft.client_reference,
    )
