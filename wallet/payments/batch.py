"""Send many payments: looked up together, judged each on its own, committed in as few transactions as the Journal makes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wallet.context import Context
from wallet.errors import AmountRefused, AssetPaused, JournalUnavailable, NotAllowed, OutcomeUnknown, Refusal, Stale
from wallet.ids import CustomerId, PaymentId
from wallet.journal.change import Change, Committed, Request, Requirement
from wallet.money import Amount
from wallet.payments.send import payment_change
from wallet.vault.items import ItemKind, PersonErased

BATCH_MAX = 1_000  # payments a request: some tens of milliseconds of the process
ATTEMPTS_MAX = 20  # decisions that an operator's pause made stale
DECIDED_AT_ONCE = 100  # a few milliseconds, then others have their turn


@dataclass(frozen=True, slots=True)
class Draft:
    """One payment between parties that were looked up; a payee who is not there comes as the refusal."""

    payer: CustomerId
    payee: CustomerId | Refusal
    amount: Amount
    note: str | None
    client_reference: str | None
    request: Request


Outcome = Committed | Refusal | Stale | JournalUnavailable | OutcomeUnknown | PersonErased
_EXPECTED = (Refusal, Stale, JournalUnavailable, OutcomeUnknown)
_Allowed = Mapping[str, Requirement | AssetPaused]  # by asset


async def send_payments(context: Context, actor: str, drafts: Sequence[Draft]) -> list[Outcome]:
    """What became of each, in order. Nothing is raised for one that could not be done: the others go on."""
    outcomes: dict[int, Outcome] = {}
    pending = list(range(len(drafts)))
    for _ in range(ATTEMPTS_MAX):
        allowed = {symbol: await _unpaused(context, symbol) for symbol in {d.amount.asset.symbol for d in drafts}}
        decided = await _decide_each(context, actor, {n: drafts[n] for n in pending}, allowed)
        outcomes |= await _committed(context, {n: d for n, d in decided.items() if isinstance(d, Change)})
        outcomes |= await _recalled(context, drafts, {n: d for n, d in decided.items() if not isinstance(d, Change)})
        pending = [n for n in pending if isinstance(outcomes[n], Stale)]
        if not pending:
            break
    return [outcomes[n] for n in range(len(drafts))]


async def _unpaused(context: Context, symbol: str) -> Requirement | AssetPaused:
    try:
        return await context.unpaused(context.asset(symbol))
    except AssetPaused as paused:
        return paused


async def _decide_each(
    context: Context, actor: str, drafts: Mapping[int, Draft], allowed: _Allowed
) -> dict[int, Change | Refusal | PersonErased]:
    decided: dict[int, Change | Refusal | PersonErased] = {}
    for number, draft in drafts.items():
        try:
            decided[number] = _decide(context, actor, draft, allowed)
        except (Refusal, PersonErased) as refusal:
            decided[number] = refusal
        if len(decided) % DECIDED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return decided


def _decide(context: Context, actor: str, draft: Draft, allowed: _Allowed) -> Change:
    if isinstance(draft.payee, Refusal):
        raise draft.payee
    if not draft.amount:
        raise AmountRefused("a payment moves at least one base unit")
    if draft.payee == draft.payer:
        raise NotAllowed("a payment goes to somebody else")
    unpaused = allowed[draft.amount.asset.symbol]
    if isinstance(unpaused, AssetPaused):
        raise unpaused
    note = context.seal(draft.payer, ItemKind.NOTE, draft.note) if draft.note else None
    return payment_change(
        actor,
        PaymentId(context.new_id("pay")),
        draft.payer,
        draft.payee,
        draft.amount,
        note,
        context.clock.now(),
        unpaused,
        draft.request,
        draft.client_reference,
    )


async def _committed(context: Context, changes: Mapping[int, Change]) -> dict[int, Outcome]:
    """All at once, so that they share the Journal's transactions."""
    answers = await asyncio.gather(*map(context.journal.commit, changes.values()), return_exceptions=True)
    outcomes: dict[int, Outcome] = {}
    for number, answer in zip(changes, answers, strict=True):
        if isinstance(answer, BaseException) and not isinstance(answer, _EXPECTED):
            raise answer
        outcomes[number] = answer
    return outcomes


async def _recalled(
    context: Context, drafts: Sequence[Draft], stopped: Mapping[int, Refusal | PersonErased]
) -> dict[int, Outcome]:
    """What stopped a decision before the Journal must not contradict an earlier yes under the same key."""
    earlier = await context.journal.recall_each([drafts[number].request for number in stopped])
    return {number: known or stop for (number, stop), known in zip(stopped.items(), earlier, strict=True)}
