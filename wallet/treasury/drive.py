"""Drive submissions to their end: sign, store, submit, follow. Whatever was interrupted goes on where it stood.

What this prevents: paying twice after a time-out (an answer that did not come changes nothing; the same bytes are sent
again, or looked up), and giving money back that may still be paid (only a provably dead submission ends its holds).
"""

import structlog

from wallet.approvals.demand import demand_by_signer
from wallet.approvals.signatures import approvals_for
from wallet.assets.pause import pause_asset, pausing
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import AssetPaused, NetworkHalted, Stale
from wallet.listings.carried import carried
from wallet.networks.halt import running
from wallet.points import point
from wallet.ports import Fate, Ground, Network, NetworkError, NetworkRejected, SignerRefused, Status
from wallet.treasury.doubt import by_verdict, doubted
from wallet.treasury.submissions import (
    Plan,
    State,
    bury,
    open_submissions,
    paid_by,
    record,
    record_signed,
    reference,
    settle,
    sign_request,
    stored_request,
)
from wallet.treasury.uproot import follow_uprooted

WAITS = frozenset({Ground.WINDOW, Ground.STOPPED})
"""Grounds that pass, by themselves or when people say so: nothing is wrong with the request."""

_log = structlog.get_logger("submissions")


async def drive_submissions(context: Context, network: Network) -> None:
    """One step for every open submission, oldest first. One that fails does not stop the others. Raises `NetworkError`
    when the network is away, and `SignerUnavailable`: nothing is lost, the next call goes on."""
    for row in await open_submissions(context, network.id):
        withdrawals = await paid_by(context, row["id"])
        try:
            await drive(context, network, row, withdrawals)
        except Stale:
            _log.info("step_taken_elsewhere", submission=row["id"])
        except NetworkError as error:
            await refuse_away(network, error)
            _log.warning("submission_waits", submission=row["id"], reason=str(error))


async def refuse_away(network: Network, error: NetworkError) -> None:
    """After an error that one payment met: is it the network, or only this payment, which anybody may have made so that it
    fails? The network is asked something else; raises its error if that is not answered either."""
    if error.retry:
        await network.final()


async def ask_signer(context: Context, network: Network, plan: Plan) -> None:
    """The dry run, before anything is reserved. Raises `SignerRefused`; where the signer's memory contradicts our books
    (a restored backup, say) the asset stops as well, for then a payment may have been made that we know nothing of. A
    withdrawal that the signer wants people for waits for them from here on: raises `Stale`, for it has changed."""
    try:
        await context.signer.check(sign_request(network.id, plan, await approvals_for(context, plan.withdrawals)))
    except SignerRefused as refusal:
        if refusal.ground is Ground.APPROVALS and plan.withdrawals:
            await demand_by_signer(context, refusal.reference, refusal.approvals, str(refusal))
            raise Stale("withdrawals", refusal.reference) from refusal
        if refusal.ground is Ground.CONFLICT:
            await pause_asset(
                context, ACTOR_NODE, plan.amount.asset.symbol, f"the signer and the books disagree: {refusal}"
            )
        raise


async def drive(context: Context, network: Network, row: Record, withdrawals: list[Record]) -> None:
    """One step of one submission, from the state in which it is. Raises the network's errors, `SignerUnavailable`, `Stale`."""
    match State(row["state"]):
        case State.RESERVED:
            await sign(context, network, row, withdrawals)
        case State.SIGNED:
            await send(context, network, row, withdrawals)
        case State.SUBMITTED | State.INCLUDED:
            await follow(context, network, row, withdrawals)
        case State.UPROOTED:
            await follow_uprooted(context, network, row, withdrawals)
        case State.FINAL | State.DEAD | State.STOPPED | State.DOUBTED:
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
        if refusal.ground in WAITS:  # used up since it was asked, by a sweep say: the window moves on by itself
            _log.warning("signature_waits", submission=row["id"], reason=str(refusal))
            return
        reason = f"the signer refused {row['id']} after its nonce or inputs were reserved: {refusal}"
        stop = await pausing(context, row["asset"], reason)
        await record(context, row, withdrawals, State.STOPPED, {"reason": str(refusal)}, writes=stop)
        return
    point("withdrawal.after_sign")
    staged = {**row, "tx": signed.tx, "signed": signed.payload, "signed_item": None}
    await network.prepare(await reference(context, staged, withdrawals))
    point("withdrawal.after_prepare")
    row = await record_signed(context, network, row, withdrawals, signed.payload, signed.tx)
    point("withdrawal.after_store")
    await send(context, network, row, await paid_by(context, row["id"]))


async def send(context: Context, network: Network, row: Record, withdrawals: list[Record]) -> None:
    """Let the stored bytes out. No answer is no failure: what the network knows decides."""
    submission = await reference(context, row, withdrawals)
    try:
        await network.submit(submission)
    except NetworkError as error:
        status = await network.status(submission)
        _log.warning("submit_uncertain", submission=row["id"], error=type(error).__name__, fate=status.fate.value)
        if status.fate is Fate.UNKNOWN:
            if isinstance(error, NetworkRejected):
                _log.error("submit_rejected", submission=row["id"], reason=str(error))
            return
    point("withdrawal.after_submit")
    await record(context, row, withdrawals, State.SUBMITTED, {})
    point("withdrawal.after_record")


async def follow(context: Context, network: Network, row: Record, withdrawals: list[Record]) -> None:
    """Ask what became of it, and write that down."""
    submission = await reference(context, row, withdrawals)
    status = by_verdict(row, await network.status(submission))
    match status.fate:
        case Fate.FINAL if status.doubt is not None:
            await doubted(context, row, withdrawals, status.doubt)
        case Fate.FINAL:
            point("withdrawal.before_settle")
            await settle(context, network, row, withdrawals, status)
            point("withdrawal.after_settle")
        case Fate.INCLUDED:
            await _included(context, row, withdrawals, status)
        case Fate.DEAD:
            await bury(context, row, withdrawals, "its nonce or an input was finally used by something else")
        case Fate.PENDING | Fate.UNKNOWN:
            await _not_included(context, network, row, withdrawals, status)


async def _included(context: Context, row: Record, withdrawals: list[Record], status: Status) -> None:
    if status.block is None or (row["state"] == State.INCLUDED and row["block"] == status.block.id):
        return
    values = {"height": status.block.height, "block": status.block.id}
    await record(context, row, withdrawals, State.INCLUDED, values)


async def _not_included(
    context: Context, network: Network, row: Record, withdrawals: list[Record], status: Status
) -> None:
    """A reorg took its block, or the network has forgotten it: the same bytes go out again where that is safe."""
    if row["state"] == State.INCLUDED:
        row = await record(context, row, withdrawals, State.SUBMITTED, {"height": None, "block": None})
        withdrawals = await paid_by(context, row["id"])
    if status.fate is Fate.UNKNOWN and network.capabilities.resend_safe:
        await network.submit(await reference(context, row, withdrawals))
