"""Drive submissions to their end: sign, store, submit, follow. Whatever was interrupted goes on where it stood.

What this prevents: paying twice after a time-out (an answer that did not come changes nothing; the same bytes are sent
again, or looked up), and giving money back that may still be paid (only a provably dead submission ends its holds).
"""

from dataclasses import replace

import structlog

from wallet.approvals.demand import demand_by_signer
from wallet.approvals.signatures import approvals_for
from wallet.assets.pause import pausing
from wallet.context import Context, Record
from wallet.errors import AssetPaused, NetworkHalted, Stale
from wallet.journal.change import Requirement
from wallet.listings.carried import carried
from wallet.networks.halt import running
from wallet.points import point
from wallet.ports import Fate, Ground, Network, NetworkError, NetworkRejected, SignerRefused, Source
from wallet.treasury.alarm import alarm
from wallet.treasury.doubt import by_verdict, doubted
from wallet.treasury.dry_run import PASSING, dry_run
from wallet.treasury.plan import Plan, sign_request
from wallet.treasury.record import record, record_signed
from wallet.treasury.replace import replace_stuck
from wallet.treasury.self_cancel import cancel_stopped
from wallet.treasury.settle import bury, settle
from wallet.treasury.sources import caught_up
from wallet.treasury.states import State
from wallet.treasury.submissions import open_submissions, paid_by, reference, refuse_torn, stored_request
from wallet.treasury.uproot import follow_uprooted
from wallet.treasury.variants import Outcome, outcome_of, replacements_of, signed_variants

_log = structlog.get_logger("submissions")


async def drive_submissions(context: Context, network: Network) -> None:
    """One step for every open submission, oldest first. One that fails does not stop the others. Raises `NetworkError`
    when the network is away, and `SignerUnavailable`: nothing is lost, the next call goes on."""
    rows = await open_submissions(context, network.id)
    lines = _first_in_line(rows)
    for row in rows:
        withdrawals = await paid_by(context, row["id"])
        try:
            refuse_torn(row, withdrawals)
            await drive(context, network, row, withdrawals, first=lines.get(row["source"], row["id"]) == row["id"])
        except Stale:
            _log.info("step_taken_elsewhere", submission=row["id"])
        except NetworkError as error:
            await refuse_away(network, error)
            _log.warning("submission_waits", submission=row["id"], reason=str(error))


def _first_in_line(rows: list[Record]) -> dict[str, str]:
    """By address, of those that no block shows yet: the one with the lowest nonce. The others wait for it, whatever they pay.
    Inputs and files are in no order: there everything is first."""
    lowest: dict[str, tuple[int, str]] = {}
    for row in rows:
        address, _, nonce = row["consumes"][0].rpartition(":")
        if address == row["source"] and row["state"] not in (State.INCLUDED, State.UPROOTED):
            place = (int(nonce), str(row["id"]))
            lowest[address] = min(lowest.get(address, place), place)
    return {address: found for address, (_, found) in lowest.items()}


async def refuse_away(network: Network, error: NetworkError) -> None:
    """After an error that one payment met: is it the network, or only this payment, which anybody may have made so that it
    fails? The network is asked something else; raises its error if that is not answered either."""
    if error.retry:
        await network.final()


async def ask_signer(context: Context, network: Network, plan: Plan) -> None:
    """The dry run, before anything is reserved. Raises `SignerRefused`; a withdrawal that the signer wants people for waits for
    them from here on: raises `Stale`, for it has changed."""
    approvals = await approvals_for(context, plan.withdrawals)
    try:
        read = tuple(Requirement("withdrawals", w["id"], w["version"]) for w in plan.withdrawals)
        reservations = tuple(f"{network.id}|{name}" for name in plan.unsigned.consumes)
        request = sign_request(network.id, plan, approvals)
        await dry_run(context, plan.amount.asset.symbol, request, read, reservations)
    except SignerRefused as refusal:
        if refusal.ground is Ground.APPROVALS and plan.withdrawals:
            await demand_by_signer(context, refusal.reference, refusal.approvals, str(refusal))
            raise Stale("withdrawals", refusal.reference) from refusal
        raise


async def drive(
    context: Context, network: Network, row: Record, withdrawals: list[Record], *, first: bool = True
) -> None:
    """One step of one submission, from the state in which it is. Raises the network's errors, `SignerUnavailable`, `Stale`."""
    match State(row["state"]):
        case State.RESERVED:
            await sign(context, network, row, withdrawals)
        case State.SIGNED:
            await send(context, network, row, withdrawals)
        case State.SUBMITTED | State.INCLUDED | State.CANCELLING:
            await follow(context, network, row, withdrawals, first=first)
        case State.STOPPED:
            await cancel_stopped(context, network, row, withdrawals)
        case State.UPROOTED:
            await follow_uprooted(context, network, row, withdrawals)
        case State.FINAL | State.DEAD | State.DOUBTED:
            return


async def sign(context: Context, network: Network, row: Record, withdrawals: list[Record]) -> None:
    """Have the reserved bytes signed, and make them durable before anything may send them."""
    try:
        await context.unpaused(context.asset(row["asset"]))
        await carried(context, network, context.asset(row["asset"]))
        await running(context, network.id)
    except (AssetPaused, NetworkHalted):
        return
    request = await stored_request(context, row, withdrawals)
    try:
        signed = await context.signer.sign(request)
    except SignerRefused as refusal:
        if refusal.ground in PASSING:  # used up since it was asked, by a sweep say: the window moves on by itself
            _log.warning("signature_waits", submission=row["id"], reason=str(refusal))
            return
        await _stop(context, network, row, withdrawals, refusal)
        return
    point("withdrawal.after_sign")
    staged = {**row, "tx": signed.tx, "signed": signed.payload, "signed_item": None}
    await network.prepare(await reference(context, staged, withdrawals))
    point("withdrawal.after_prepare")
    row = await record_signed(context, network, row, withdrawals, signed.payload, signed.tx)
    point("withdrawal.after_store")
    await send(context, network, row, await paid_by(context, row["id"]))


async def _stop(
    context: Context, network: Network, row: Record, withdrawals: list[Record], refusal: SignerRefused
) -> None:
    """Late, after a dry run that said yes. A nonce is used up by a self-cancel, and all else goes on; but where the signer's
    memory contradicts our books, or nothing can be cancelled, the asset stops as well."""
    reason = f"the signer refused {row['id']} after its nonce or inputs were reserved: {refusal}"
    cancellable = network.capabilities.source is Source.NONCE and refusal.ground is not Ground.CONFLICT
    stop = () if cancellable else await pausing(context, row["asset"], reason)
    await record(context, row, withdrawals, State.STOPPED, {"reason": str(refusal)}, writes=stop)
    await alarm(context, network.id, row["id"], "stopped", reason)


async def send(context: Context, network: Network, row: Record, withdrawals: list[Record]) -> None:
    """Let the stored bytes out. No answer is no failure: what the network knows decides."""
    replacements = await replacements_of(context, row)
    variants = signed_variants(row, await reference(context, row, withdrawals), replacements)
    try:
        await network.submit(variants[-1].ref)
    except NetworkError as error:
        found = await outcome_of(network, variants)
        _log.warning("submit_uncertain", submission=row["id"], error=type(error).__name__, fate=found.status.fate.value)
        if found.status.fate is Fate.UNKNOWN:
            if isinstance(error, NetworkRejected):
                _log.error("submit_rejected", submission=row["id"], reason=str(error))
                await replace_stuck(context, network, row, withdrawals, replacements)
            return
    point("withdrawal.after_submit")
    await record(context, row, withdrawals, State.SUBMITTED, {})
    point("withdrawal.after_record")


async def follow(
    context: Context, network: Network, row: Record, withdrawals: list[Record], *, first: bool = True
) -> None:
    """Ask what became of it, and write that down. `first` in line: those that wait for another one are not replaced."""
    replacements = await replacements_of(context, row)
    original = await reference(context, row, withdrawals) if row["tx"] is not None else None
    found = await outcome_of(network, signed_variants(row, original, replacements))
    found = replace(found, status=by_verdict(row, found.status))
    match found.status.fate:
        case Fate.FINAL if found.status.doubt is not None:
            await doubted(context, row, withdrawals, found.status.doubt)
        case Fate.FINAL:
            point("withdrawal.before_settle")
            await settle(context, network, row, withdrawals, found)
            point("withdrawal.after_settle")
        case Fate.INCLUDED:
            await _included(context, row, withdrawals, found)
        case Fate.DEAD:
            moved_on = await caught_up(context, network, row["source"])
            await bury(context, row, withdrawals, "its nonce or an input was finally used by something else", moved_on)
        case Fate.PENDING | Fate.UNKNOWN:
            row, withdrawals = await _not_included(context, network, row, withdrawals, found)
            if first:
                await replace_stuck(context, network, row, withdrawals, replacements)


async def _included(context: Context, row: Record, withdrawals: list[Record], found: Outcome) -> None:
    block, values = found.status.block, found.row_values(row)
    if block is None or row["state"] == State.CANCELLING:
        return
    if row["state"] == State.INCLUDED and row["block"] == block.id and not values:
        return
    await record(context, row, withdrawals, State.INCLUDED, {**values, "height": block.height, "block": block.id})


async def _not_included(
    context: Context, network: Network, row: Record, withdrawals: list[Record], found: Outcome
) -> tuple[Record, list[Record]]:
    """A reorg took its block, or the network has forgotten it: the same bytes go out again where that is safe."""
    if row["state"] == State.INCLUDED:
        row = await record(context, row, withdrawals, State.SUBMITTED, {"height": None, "block": None, "mined": None})
        withdrawals = await paid_by(context, row["id"])
    if found.newest is Fate.UNKNOWN and network.capabilities.resend_safe:
        try:
            await network.submit(found.variant.ref)
        except NetworkRejected as error:
            _log.warning("resend_rejected", submission=row["id"], tx=found.variant.ref.tx, reason=str(error))
    return row, withdrawals
