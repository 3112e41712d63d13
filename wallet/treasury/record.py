"""A submission's steps, one Change each. Withdrawals that it pays move with it, in the same Change."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.viewers import viewers_of
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.journal.parts import Part, in_parts
from wallet.ledger.transfers import Entry
from wallet.ports import Network
from wallet.treasury.recoveries import told_as
from wallet.treasury.states import WITHDRAWAL_STATES, State
from wallet.treasury.submissions import submission_view, tx_that_counts
from wallet.vault.items import ItemKind, SealedItem
from wallet.withdrawals.states import State as WithdrawalState
from wallet.withdrawals.states import follow, reason_of
from wallet.withdrawals.view import withdrawal_view

_KINDS: dict[State, tuple[EventKind, EventKind]] = {
    State.RESERVED: (EventKind.SUBMISSION_RESERVED, EventKind.SUBMISSION_RESERVED),
    State.SIGNED: (EventKind.WITHDRAWAL_SIGNED, EventKind.SUBMISSION_SIGNED),
    State.SUBMITTED: (EventKind.WITHDRAWAL_SUBMITTED, EventKind.SUBMISSION_SUBMITTED),
    State.INCLUDED: (EventKind.WITHDRAWAL_INCLUDED, EventKind.SUBMISSION_INCLUDED),
    State.FINAL: (EventKind.WITHDRAWAL_FINAL, EventKind.SUBMISSION_FINAL),
    State.UPROOTED: (EventKind.WITHDRAWAL_UPROOTED, EventKind.SUBMISSION_UPROOTED),
    State.DEAD: (EventKind.WITHDRAWAL_FAILED, EventKind.SUBMISSION_DEAD),
    State.STOPPED: (EventKind.SUBMISSION_STOPPED, EventKind.SUBMISSION_STOPPED),
    State.DOUBTED: (EventKind.SUBMISSION_DOUBTED, EventKind.SUBMISSION_DOUBTED),
    State.CANCELLING: (EventKind.SUBMISSION_CANCELLING, EventKind.SUBMISSION_CANCELLING),
}


async def record_signed(
    context: Context, network: Network, row: Record, withdrawals: list[Record], signed: bytes, tx: str
) -> Record:
    sealed = sealed_bytes(context, network, tuple(withdrawals), signed)
    values = {"tx": tx, "signed": None if sealed else signed, "signed_item": sealed.id if sealed else None}
    return await record(context, row, withdrawals, State.SIGNED, values, vault=(sealed,) if sealed else ())


async def record(
    context: Context,
    row: Record,
    withdrawals: list[Record],
    state: State,
    values: Mapping[str, Any],
    *,
    entry: Entry = (),
    writes: tuple[Insert | Update, ...] = (),
    vault: tuple[SealedItem, ...] = (),
    told: Change | None = None,
    unpaid: Collection[str] = (),
) -> Record:
    """Commit one step. Returns the row after it. `told` is what somebody else is told of it, whose row moves with it. The
    withdrawals in `unpaid` fail by this step, whatever the others do. Raises `Stale` when another worker took the step."""
    after = {**row, **values, "state": state.value}
    kind = _KINDS[state][0 if withdrawals else 1]
    now = context.clock.now()  # one moment for all that end together
    steps = [_Step(State.DEAD, _UNPAID) if w["id"] in unpaid else _Step(state, values) for w in withdrawals]
    moved = tuple(
        withdrawal_update(w, step.state, _withdrawal_values(now, step.state, step.values))
        for w, step in zip(withdrawals, steps, strict=True)
    )
    change = Change(
        actor=ACTOR_NODE,
        kind=kind,
        data=await _event_data(context, after, withdrawals, steps),
        entry=entry,
        writes=(Update("submissions", row["id"], row["version"], {**values, "state": state.value}), *moved, *writes),
        vault=vault,
        viewers=await viewers_of(context, *[w["owner"] for w in withdrawals]),
    )
    await context.journal.commit(change if told is None else told_as(change, told))
    return {**after, "version": row["version"] + 1}


@dataclass(frozen=True, slots=True)
class _Step:
    """What a step is for one withdrawal."""

    state: State
    values: Mapping[str, Any]


REVERTED = "included and reverted: nothing was paid"
_UNPAID: Mapping[str, Any] = {"reason": REVERTED}


def _withdrawal_values(now: datetime, state: State, values: Mapping[str, Any]) -> dict[str, Any]:
    if state is State.FINAL:
        return {"final_at": now}
    return {"reason": str(reason_of(values["reason"]))} if state is State.DEAD else {}


def withdrawal_update(row: Record, state: State, values: Mapping[str, Any]) -> Update:
    following = WITHDRAWAL_STATES.get(state)
    now = WithdrawalState(row["state"])
    if following is None or following is now:
        return Update("withdrawals", row["id"], row["version"], {**values, "state": now.value})
    return Update("withdrawals", row["id"], row["version"], {**values, "state": follow(now, following).value})


def withdrawal_event(context: Context, row: Record, withdrawal: Record) -> dict[str, object]:
    """What a withdrawal's owner reads of the submission that pays it."""
    view = withdrawal_view(withdrawal, context.asset(withdrawal["asset"]).decimals)
    return {**view, "tx": tx_that_counts(row)}


async def _event_data(
    context: Context, row: Record, withdrawals: list[Record], steps: list[_Step]
) -> Mapping[str, object]:
    """Customers read of their withdrawal, each of their own; submissions that pay nobody are the operators' own."""
    if not withdrawals:
        return submission_view(context, row)
    told = [_told(context, row, w, step.state, step.values) for w, step in zip(withdrawals, steps, strict=True)]
    return await told_each(context, [_KINDS[step.state][0] for step in steps], withdrawals, told)


async def told_each(
    context: Context, kinds: Sequence[EventKind], withdrawals: list[Record], told: Sequence[Mapping[str, object]]
) -> Mapping[str, object]:
    """The event of a submission that pays these withdrawals: each owner reads of their own, as an event of its own kind."""
    if len(told) == 1:
        return told[0]
    viewers = [await viewers_of(context, withdrawal["owner"]) for withdrawal in withdrawals]
    holds = [tuple(name for name in (w["hold"], w["fee_hold"]) if name is not None) for w in withdrawals]
    names = [kind.value for kind in kinds]
    return in_parts([Part(*each) for each in zip(viewers, names, told, holds, strict=True)])


def _told(
    context: Context, row: Record, withdrawal: Record, state: State, values: Mapping[str, Any]
) -> Mapping[str, object]:
    following = WITHDRAWAL_STATES.get(state, WithdrawalState(withdrawal["state"]))
    reason = values["reason"] if state is State.DEAD else withdrawal["reason"]
    return withdrawal_event(context, row, {**withdrawal, "state": following.value, "reason": reason})


def sealed_bytes(
    context: Context, network: Network, withdrawals: tuple[Record, ...], payload: bytes
) -> SealedItem | None:
    if not network.capabilities.personal_payload:
        return None
    return context.seal(withdrawals[0]["owner"], ItemKind.PAYOUT_FILE, payload)
