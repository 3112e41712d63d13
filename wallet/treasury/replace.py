"""A submission that no block takes is replaced: the same payments on the same nonce or inputs, at a higher fee.

    due ─▶ raise_fee ─▶ the signer's dry run ─▶ reserved ─▶ signed, stored ─▶ sent
                              │                    │
                              └─ refused: waits,   └─ refused late: no such bytes; the next one has another number
                                 and an alarm

What this prevents: a payment that is stuck for days, and a second payment made to help it along. The order is that of every
submission: what the fee grows by is set aside and the number is taken before anything is signed, and nothing leaves that is not
stored. Two processes that would replace the same one collide on the submission's version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from wallet import schema
from wallet.assets.pause import pausing
from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.viewers import viewers_of
from wallet.errors import AssetPaused, InsufficientFunds, NetworkHalted, NotFound, TokenSuspended
from wallet.ids import NetworkId, SubmissionId
from wallet.journal.change import Change, EventKind, Insert, Requirement, Update
from wallet.ledger import templates
from wallet.listings.carried import carried
from wallet.money import Amount
from wallet.networks.halt import running
from wallet.points import point
from wallet.ports import (
    FeeAbsurd,
    FeeTooHigh,
    FundsShort,
    Ground,
    Network,
    NetworkError,
    Purpose,
    Replacing,
    Signed,
    SignerRefused,
    SignRequest,
    SubmissionRef,
    Unsigned,
)
from wallet.treasury.alarm import alarm, end_alarm
from wallet.treasury.dry_run import PASSING, dry_run
from wallet.treasury.plan import fee_place
from wallet.treasury.record import told_each, withdrawal_event
from wallet.treasury.states import State
from wallet.treasury.submissions import payload, stored_request, submission_view
from wallet.treasury.variants import ReplacementState

WAITS = (
    FeeAbsurd,
    FeeTooHigh,
    FundsShort,
    InsufficientFunds,
    AssetPaused,
    TokenSuspended,
    NetworkHalted,
    SignerRefused,
)
"""Why a replacement is not made now. Nothing has happened then, and the next look tries again."""

_log = structlog.get_logger("submissions")


async def replace_stuck(
    context: Context, network: Network, row: Record, withdrawals: list[Record], replacements: Sequence[Record]
) -> None:
    """One step towards a higher fee, if it is time for one. Raises the network's errors, `SignerUnavailable`, `Stale`."""
    if replacements and replacements[-1]["state"] == ReplacementState.RESERVED:
        await sign_replacement(context, network, row, withdrawals, replacements[-1])
        return
    if not isinstance(network, Replacing) or not _is_due(context, network, row, replacements):
        return
    bumping = network.capabilities.bumping
    if not row["urged"] and (bumping is None or len(replacements) >= bumping.times):
        await _told_to_bump(context, network, row, replacements)
        return
    try:
        await _begin(context, network, network, row, withdrawals, replacements)
    except WAITS as wait:
        await alarm(context, network.id, row["id"], "stuck", f"its fee is not raised: {wait}")


def _is_due(context: Context, network: Network, row: Record, replacements: Sequence[Record]) -> bool:
    """It has waited long enough, or an operator has asked for it."""
    bumping = network.capabilities.bumping
    if row["urged"] or bumping is None:
        return bool(row["urged"])
    made_at = replacements[-1]["created_at"] if replacements else row["created_at"]
    return bool(context.clock.now() - made_at >= timedelta(seconds=bumping.after_s))


async def _told_to_bump(context: Context, network: Network, row: Record, replacements: Sequence[Record]) -> None:
    reason = (
        f"it has been replaced {len(replacements)} times and no block takes it: `coffer submission bump {row['id']}`"
        " replaces it once more, up to the caps of fees"
    )
    await alarm(context, network.id, row["id"], "stuck", reason)


async def _begin(
    context: Context,
    network: Network,
    replacing: Replacing,
    row: Record,
    withdrawals: list[Record],
    replacements: Sequence[Record],
) -> None:
    signed = [one for one in replacements if one["state"] == ReplacementState.SIGNED]
    dearest = bytes(signed[-1]["unsigned"]) if signed else await payload(context, row, "unsigned")
    unsigned = await replacing.raise_fee(dearest, tuple(row["consumes"]), urgent=bool(row["urged"]))
    if unsigned is None:
        return
    if set(unsigned.consumes) != set(row["consumes"]):
        raise AssertionError(f"what should replace {row['id']} uses up something else")
    purpose = Purpose.SELF_CANCEL if row["state"] == State.CANCELLING else Purpose(row["purpose"])
    needs = await _needs(context, network, row, purpose)
    number = (row["replacements"] or 0) + 1
    request = await request_of(context, row, withdrawals, purpose, unsigned.payload, number)
    await dry_run(context, row["asset"], request, (Requirement("submissions", row["id"], row["version"]),))
    point("replace.after_check")
    row, replacement = await reserve_replacement(context, network, row, purpose, unsigned, needs)
    point("replace.after_reserve")
    await sign_replacement(context, network, row, withdrawals, replacement)


async def _needs(context: Context, network: Network, row: Record, purpose: Purpose) -> tuple[Requirement, ...]:
    """What must not stop in between. A self-cancel moves nothing of the asset, which may be paused: all others wait for it."""
    halted = await running(context, network.id)
    if purpose is Purpose.SELF_CANCEL:
        return (halted,)
    asset = context.asset(row["asset"])
    return (await context.unpaused(asset), *await carried(context, network, asset), halted)


async def request_of(
    context: Context, row: Record, withdrawals: list[Record], purpose: Purpose, unsigned: bytes, number: int
) -> SignRequest:
    """What the signer is asked for a replacement, the same after any interruption."""
    if purpose is Purpose.SELF_CANCEL:
        paths = tuple(row["paths"][:1])
        network = NetworkId(row["network"])
        return SignRequest(SubmissionId(row["id"]), network, purpose, (), unsigned, paths, replacement=number)
    return replace(await stored_request(context, row, withdrawals), payload=unsigned, replacement=number)


async def reserve_replacement(
    context: Context,
    network: Network,
    row: Record,
    purpose: Purpose,
    unsigned: Unsigned,
    needs: tuple[Requirement, ...],
) -> tuple[Record, Record]:
    """Set aside what the fee grows by, and take the number. Returns the submission's row after it, and the replacement's.
    Raises `Stale`, and `InsufficientFunds` where the place it spends from has no more for fees."""
    number = (row["replacements"] or 0) + 1
    dearer = unsigned.fee_max if unsigned.fee_max.units > row["fee_max"] else Amount(row["fee_max"], network.fee_asset)
    growth = dearer - Amount(row["fee_max"], dearer.asset)
    values = {"replacements": number, "fee_max": dearer.units, "urged": None}
    made = {
        "id": f"{row['id']}/{number}",
        "submission": row["id"],
        "number": number,
        "purpose": purpose.value,
        "state": ReplacementState.RESERVED.value,
        "fee_max": unsigned.fee_max.units,
        "unsigned": unsigned.payload,
        "change": change_row(unsigned),
        "created_at": context.clock.now(),
    }
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.SUBMISSION_REPLACING,
        data=submission_view(context, {**row, **values}),
        entry=templates.fee_raised(fee_place(context, row), network.id, growth),
        requires=needs,
        writes=(Update("submissions", row["id"], row["version"], values), Insert("replacements", made)),
    )
    await context.journal.commit(change)
    after = {**row, **values, "version": row["version"] + 1}
    return after, {**dict.fromkeys(schema.replacements.c.keys()), **made, "version": 1}


def change_row(unsigned: Unsigned) -> dict[str, str] | None:
    change = unsigned.change
    if change is None:
        return None
    return {"outpoint": change.outpoint, "units": str(change.units), "address": change.address, "path": change.path}


async def sign_replacement(
    context: Context, network: Network, row: Record, withdrawals: list[Record], replacement: Record
) -> None:
    """Have the reserved bytes signed, make them durable, and only then let them out."""
    purpose = Purpose(replacement["purpose"])
    try:
        await _needs(context, network, row, purpose)
    except (AssetPaused, TokenSuspended, NetworkHalted, NotFound):
        return
    unsigned = bytes(replacement["unsigned"])
    request = await request_of(context, row, withdrawals, purpose, unsigned, replacement["number"])
    try:
        signed = await context.signer.sign(request)
    except SignerRefused as refusal:
        await _refused(context, network, row, replacement, refusal)
        return
    point("replace.after_sign")
    await _record_signed(context, row, withdrawals, replacement, signed)
    point("replace.after_store")
    await end_alarm(context, network.id, row["id"], "replaced", f"a higher fee is on its way: {signed.tx}")
    await _send(network, SubmissionRef(request.submission, signed.tx, signed.payload, tuple(row["consumes"]), ()))
    point("replace.after_submit")


async def _send(network: Network, ref: SubmissionRef) -> None:
    """Whether it has arrived is looked up in any case: an earlier one may be in a block by now."""
    try:
        await network.submit(ref)
    except NetworkError as error:
        _log.warning("replacement_uncertain", submission=ref.id, tx=ref.tx, reason=str(error))


async def _refused(
    context: Context, network: Network, row: Record, replacement: Record, refusal: SignerRefused
) -> None:
    """Late, after a dry run that said yes. What was set aside stays so until the submission has ended."""
    if refusal.ground in PASSING:
        _log.warning("signature_waits", submission=row["id"], reason=str(refusal))
        return
    reason = f"the signer refused {replacement['id']} after it was reserved: {refusal}"
    stop = await pausing(context, row["asset"], reason) if refusal.ground is Ground.CONFLICT else ()
    values = {"state": ReplacementState.REFUSED.value, "reason": str(refusal)}
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.REPLACEMENT_REFUSED,
        data=submission_view(context, row),
        writes=(Update("replacements", replacement["id"], replacement["version"], values), *stop),
    )
    await context.journal.commit(change)
    await alarm(context, network.id, row["id"], "stuck", reason)


async def _record_signed(
    context: Context, row: Record, withdrawals: list[Record], replacement: Record, signed: Signed
) -> None:
    """From here on these bytes may leave. A self-cancel moves its submission on: its withdrawals will not be paid."""
    values: Mapping[str, Any] = {
        "state": ReplacementState.SIGNED.value,
        "tx": signed.tx,
        "signed": signed.payload,
    }
    cancels = replacement["purpose"] == Purpose.SELF_CANCEL
    moved = {"state": State.CANCELLING.value if cancels else row["state"]}
    told = EventKind.WITHDRAWAL_REPLACED if withdrawals else EventKind.SUBMISSION_REPLACED
    shown = {**row, **moved, "mined": signed.tx}
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.SUBMISSION_CANCELLING if cancels else told,
        data=submission_view(context, shown) if cancels else await _told(context, shown, withdrawals),
        writes=(
            Update("replacements", replacement["id"], replacement["version"], values),
            Update("submissions", row["id"], row["version"], moved),
        ),
        viewers=() if cancels else await viewers_of(context, *[w["owner"] for w in withdrawals]),
    )
    await context.journal.commit(change)


async def _told(context: Context, shown: Record, withdrawals: list[Record]) -> Mapping[str, object]:
    if not withdrawals:
        return submission_view(context, shown)
    told = [withdrawal_event(context, shown, withdrawal) for withdrawal in withdrawals]
    return await told_each(context, [EventKind.WITHDRAWAL_REPLACED] * len(told), withdrawals, told)
