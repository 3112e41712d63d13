"""A submission's life, one Change a step. Withdrawals that it pays move with it, in the same Change.

reserved    its nonce or inputs belong to it for ever; its value has left the place it spends from
signed      the signed bytes are durable, so from here on they may leave, and nothing else may
submitted   they have left
included    the network shows them in a block
final       they cannot be taken back; the books say what was really paid
uprooted    they were final, and a reorg took their block (`uproot`)
dead        they can never be included: something else finally used their nonce or an input
stopped     the signer refused late: a nonce is used up by a self-cancel (`self_cancel`), of anything else a person decides
doubted     a block has them, and nobody can say whether they paid; a person decides (`doubt`)
cancelling  that self-cancel is signed; once it is final the submission is dead

From `submitted` on it may have replacements (`replace`), and whichever of its variants a block shows counts (`variants`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.approvals.signatures import approvals_for
from wallet.context import ACTOR_NODE, Context, Record, amount_of
from wallet.customers.viewers import viewers_of
from wallet.errors import Stale
from wallet.ids import NetworkId, SubmissionId
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.journal.parts import Part, in_parts
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Account
from wallet.ledger.transfers import Entry
from wallet.listings.carried import carried
from wallet.money import Amount, format_units
from wallet.networks.halt import running
from wallet.ports import Approval, Network, Purpose, SignRequest, SubmissionRef, Unsigned
from wallet.treasury.recoveries import Recovery, approved, recovering, recovery_of, told_as
from wallet.treasury.sources import NextSource, signing_paths
from wallet.vault.items import ItemKind, SealedItem
from wallet.vault.vault import RevealPurpose
from wallet.withdrawals import states
from wallet.withdrawals.view import withdrawal_view


class State(StrEnum):
    RESERVED = "reserved"
    SIGNED = "signed"
    SUBMITTED = "submitted"
    INCLUDED = "included"
    FINAL = "final"
    UPROOTED = "uprooted"
    DEAD = "dead"
    STOPPED = "stopped"
    DOUBTED = "doubted"
    CANCELLING = "cancelling"


OPEN = (State.RESERVED, State.SIGNED, State.SUBMITTED, State.INCLUDED)
FOLLOWED = (*OPEN, State.UPROOTED, State.CANCELLING)
DRIVEN = (*FOLLOWED, State.STOPPED)

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

_WITHDRAWAL_STATES: dict[State, states.State] = {
    State.RESERVED: states.State.APPROVED,
    State.SIGNED: states.State.SIGNED,
    State.SUBMITTED: states.State.SUBMITTED,
    State.INCLUDED: states.State.INCLUDED,
    State.FINAL: states.State.FINAL,
    State.DEAD: states.State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A submission that could be made: `amount` goes from the address `source` to `target`, and what it uses up."""

    id: SubmissionId
    purpose: Purpose
    amount: Amount
    source: str
    target: str | None
    next_source: NextSource
    unsigned: Unsigned
    paths: tuple[str, ...]
    withdrawals: tuple[Record, ...] = ()
    more_writes: tuple[Insert | Update, ...] = ()
    recovery: Recovery | None = None


def plan_paths(next_source: NextSource, unsigned: Unsigned, *more: str) -> tuple[str, ...]:
    return (*signing_paths(next_source.source, unsigned), *more)


def sign_request(network: NetworkId, plan: Plan, approvals: tuple[Approval, ...] = ()) -> SignRequest:
    references = tuple(row["id"] for row in plan.withdrawals)
    request = SignRequest(plan.id, network, plan.purpose, references, plan.unsigned.payload, plan.paths, approvals)
    return approved(request, plan.recovery)


def places(network: NetworkId, purpose: Purpose, amount: Amount, fee: Amount) -> tuple[Account, Account]:
    """The accounts that the value and the network fee come out of."""
    if purpose in (Purpose.SWEEP, Purpose.RECOVERY):
        return accounts.deposits(network, amount.asset), accounts.deposits(network, fee.asset)
    return accounts.hot(network, amount.asset), accounts.hot(network, fee.asset)


def fee_place(context: Context, row: Record) -> Account:
    """The account that the network fee of this submission comes out of."""
    network, purpose, fee = NetworkId(row["network"]), Purpose(row["purpose"]), context.asset(row["fee_asset"])
    return places(network, purpose, amount_of(context, row), Amount(0, fee))[1]


def arrival(network: NetworkId, purpose: Purpose, amount: Amount) -> Account | None:
    """Our own place at which it arrives; None for what goes to somebody else."""
    match purpose:
        case Purpose.SWEEP | Purpose.ROTATION:
            return accounts.hot(network, amount.asset)
        case Purpose.GAS_FUNDING:
            return accounts.deposits(network, amount.asset)
        case Purpose.WITHDRAWAL | Purpose.RECOVERY | Purpose.SELF_CANCEL | Purpose.PAYOUT_SETUP | Purpose.GATHERING:
            return None


# ── reserve ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def reserve(context: Context, network: Network, plan: Plan) -> Record:
    """Make the plan the only submission that may ever use its nonce, inputs or file name. Raises `AssetPaused`,
    `NetworkHalted`, `Stale` (a pause in between is one), and `InsufficientFunds` when the place it spends from does not hold
    enough."""
    unpaused = (await context.unpaused(plan.amount.asset), *await carried(context, network, plan.amount.asset))
    needs = (*unpaused, await running(context, network.id))
    place, fee_place = places(network.id, plan.purpose, plan.amount, plan.unsigned.fee_max)
    sealed = _sealed(context, network, plan.withdrawals, plan.unsigned.payload)
    row = _row(context, network, plan, sealed)
    links = tuple(
        Insert("submission_withdrawals", {"id": f"{plan.id}/{w['id']}", "submission": plan.id, "withdrawal": w["id"]})
        for w in plan.withdrawals
    )
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.SUBMISSION_RESERVED,
        data=submission_view(context, row),
        entry=templates.submission_reserved(place, network.id, plan.amount, plan.unsigned.fee_max, fee_place),
        requires=needs,
        writes=(
            Insert("submissions", row),
            *links,
            *plan.next_source.reservation(network.id, plan.id, plan.unsigned),
            *(_withdrawal_update(w, State.RESERVED, {}) for w in plan.withdrawals),
            *plan.more_writes,
        ),
        vault=(sealed,) if sealed else (),
    )
    if plan.recovery is not None:
        change = told_as(change, await recovering(context, plan.recovery, plan.id))
    await context.journal.commit(change)
    return {**row, "version": 1}


def _sealed(context: Context, network: Network, withdrawals: tuple[Record, ...], payload: bytes) -> SealedItem | None:
    if not network.capabilities.personal_payload:
        return None
    return context.seal(withdrawals[0]["owner"], ItemKind.PAYOUT_FILE, payload)


def _row(context: Context, network: Network, plan: Plan, sealed: SealedItem | None) -> dict[str, Any]:
    change = plan.unsigned.change
    return {
        "id": plan.id,
        "network": network.id,
        "purpose": plan.purpose.value,
        "state": State.RESERVED.value,
        "asset": plan.amount.asset.symbol,
        "units": plan.amount.units,
        "fee_asset": plan.unsigned.fee_max.asset.symbol,
        "fee_max": plan.unsigned.fee_max.units,
        "fee_paid": None,
        "source": plan.source,
        "target": plan.target,
        "paths": plan.paths,
        "consumes": plan.unsigned.consumes,
        "unsigned": None if sealed else plan.unsigned.payload,
        "unsigned_item": sealed.id if sealed else None,
        "signed": None,
        "signed_item": None,
        "tx": None,
        "change": _change_row(change.outpoint, change.units, change.address, change.path) if change else None,
        "height": None,
        "block": None,
        "reason": None,
        "created_at": context.clock.now(),
        "replacements": None,
        "mined": None,
        "urged": None,
    }


def _change_row(outpoint: str, units: int, address: str, path: str) -> dict[str, str]:
    return {"outpoint": outpoint, "units": str(units), "address": address, "path": path}


# ── what is stored ───────────────────────────────────────────────────────────────────────────────────────────────────


async def open_submissions(context: Context, network: NetworkId) -> list[Record]:
    """Those that something is still to be done for."""
    table = schema.submissions
    return await context.all(
        select(table).where(table.c.network == network, table.c.state.in_(DRIVEN)).order_by(table.c.id)
    )


async def paid_by(context: Context, submission: str) -> list[Record]:
    """The withdrawals that this submission pays."""
    links, table = schema.submission_withdrawals, schema.withdrawals
    joined = select(table).join(links, links.c.withdrawal == table.c.id).where(links.c.submission == submission)
    return await context.all(joined.order_by(table.c.id))


_COURSE = tuple(_WITHDRAWAL_STATES.values())


def refuse_torn(row: Record, withdrawals: list[Record]) -> None:
    """Raises `Stale` where another worker has taken a step after the submission was read and before its withdrawals were:
    they are ahead of it."""
    if row["state"] not in OPEN:
        return
    place = _COURSE.index(_WITHDRAWAL_STATES[State(row["state"])])
    if any(withdrawal["state"] in _COURSE[place + 1 :] for withdrawal in withdrawals):
        raise Stale("submissions", row["id"])


async def payload(context: Context, row: Record, which: str) -> bytes:
    """The unsigned or signed bytes, unsealed where they name people."""
    item = row[f"{which}_item"]
    if item is not None:
        return await context.reveal_bytes(item, RevealPurpose.SUBMIT)
    return bytes(row[which])


async def stored_request(context: Context, row: Record, withdrawals: list[Record]) -> SignRequest:
    """The same request again, byte for byte, after any interruption."""
    unsigned = await payload(context, row, "unsigned")
    references = tuple(w["id"] for w in withdrawals)
    network, purpose = NetworkId(row["network"]), Purpose(row["purpose"])
    given = await approvals_for(context, withdrawals)
    request = SignRequest(SubmissionId(row["id"]), network, purpose, references, unsigned, tuple(row["paths"]), given)
    return approved(request, await recovery_of(context, row))


async def reference(context: Context, row: Record, withdrawals: list[Record]) -> SubmissionRef:
    signed = await payload(context, row, "signed")
    references = tuple(w["id"] for w in withdrawals)
    return SubmissionRef(SubmissionId(row["id"]), row["tx"], signed, tuple(row["consumes"]), references)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def record_signed(
    context: Context, network: Network, row: Record, withdrawals: list[Record], signed: bytes, tx: str
) -> Record:
    sealed = _sealed(context, network, tuple(withdrawals), signed)
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
        _withdrawal_update(w, step.state, _withdrawal_values(now, step.state, step.values))
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
    return {"reason": str(states.reason_of(values["reason"]))} if state is State.DEAD else {}


def _withdrawal_update(row: Record, state: State, values: Mapping[str, Any]) -> Update:
    following = _WITHDRAWAL_STATES.get(state)
    now = states.State(row["state"])
    if following is None or following is now:
        return Update("withdrawals", row["id"], row["version"], {**values, "state": now.value})
    return Update("withdrawals", row["id"], row["version"], {**values, "state": states.follow(now, following).value})


def submission_view(context: Context, row: Record) -> dict[str, object]:
    """As operators read of it."""
    decimals = context.asset(row["asset"]).decimals
    return {
        "id": row["id"],
        "network": row["network"],
        "purpose": row["purpose"],
        "status": row["state"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "tx": tx_that_counts(row),
    }


def tx_that_counts(row: Record) -> str | None:
    """The tx that a block shows, or the first one."""
    tx: str | None = row["mined"] or row["tx"]
    return tx


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
    following = _WITHDRAWAL_STATES.get(state, states.State(withdrawal["state"]))
    reason = values["reason"] if state is State.DEAD else withdrawal["reason"]
    return withdrawal_event(context, row, {**withdrawal, "state": following.value, "reason": reason})
