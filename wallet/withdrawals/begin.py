"""Begin one submission for some withdrawals: build, ask the signer's policy, reserve, sign. Reject what can never be paid."""

from collections.abc import Mapping, Sequence

import structlog

from wallet.context import ACTOR_NODE, Context, Record, amount_of
from wallet.customers.viewers import viewers_of
from wallet.errors import Stale
from wallet.ids import SubmissionId
from wallet.journal.change import Change, EventKind, Update
from wallet.money import Amount
from wallet.points import point
from wallet.ports import (
    CostTooHigh,
    Destination,
    Ground,
    Instruction,
    Network,
    NetworkRejected,
    Purpose,
    RecipientRefuses,
    SignerRefused,
)
from wallet.treasury.drive import ask_signer, sign
from wallet.treasury.plan import Plan, plan_paths
from wallet.treasury.reserve import reserve
from wallet.treasury.sources import house_address, next_source
from wallet.treasury.submissions import paid_by
from wallet.vault.items import PersonErased
from wallet.vault.vault import RevealPurpose
from wallet.withdrawals.cancel import released
from wallet.withdrawals.queue import still_requested
from wallet.withdrawals.states import Reason, State, follow
from wallet.withdrawals.view import withdrawal_view

Rows = Sequence[Record]

_REASONS: Mapping[type[Exception], Reason] = {
    RecipientRefuses: Reason.RECIPIENT_REFUSES,
    CostTooHigh: Reason.COST_TOO_HIGH,
}

_log = structlog.get_logger("withdrawals")


class NotPayable(Exception):
    """No tx or file can be built that makes these payments; `reason` is what their owner is told."""

    def __init__(self, refusal: Exception) -> None:
        super().__init__(str(refusal))
        found = (reason for kind, reason in _REASONS.items() if isinstance(refusal, kind))
        self.reason = next(found, Reason.NOT_CARRIED)


async def begin(context: Context, network: Network, rows: Rows) -> None:
    """They are of one asset. What was taken, cancelled or frozen meanwhile is left out. One alone that the signer's policy
    never allows is rejected. Raises `NotPayable`, and what keeps a plan from being begun; nothing has happened then."""
    await context.unpaused(context.asset(rows[0]["asset"]))
    rows = await still_requested(context, rows)
    if not rows:
        return
    plan = await planned(context, network, rows)
    try:
        await ask_signer(context, network, plan)
    except SignerRefused as refusal:
        if refusal.ground is not Ground.POLICY or len(rows) > 1:
            raise
        await reject(context, rows[0], Reason.NOT_ALLOWED, str(refusal))
        return
    point("withdrawal.after_check")
    submission = await reserve(context, network, plan)
    point("withdrawal.after_reserve")
    await sign(context, network, submission, await paid_by(context, plan.id))


async def is_refused(context: Context, network: Network, row: Record) -> bool:
    """Whether the signer's policy never allows this one alone, and it is rejected; or not without people, and it waits."""
    try:
        await ask_signer(context, network, await planned(context, network, [row]))
    except SignerRefused as refusal:
        if refusal.ground is Ground.POLICY:
            await reject(context, row, Reason.NOT_ALLOWED, str(refusal))
            return True
    except Stale:
        return True
    return False


async def planned(context: Context, network: Network, rows: Rows) -> Plan:
    """The submission that would pay them. Raises `NotPayable`, `FundsShort`, `NotTogether` and the network's errors."""
    submission = SubmissionId(context.new_id("sub"))
    hot = await house_address(context, network.id)
    source = await next_source(context, network, submission, hot)
    total = Amount(sum(row["units"] for row in rows), context.asset(rows[0]["asset"]))
    fee = await network.estimate_fee(total.asset)
    try:
        payments = [Instruction(row["id"], await _destination(context, row), amount_of(context, row)) for row in rows]
        unsigned = await network.build(payments, source.source, fee)
    except (NetworkRejected, ValueError, PersonErased) as refusal:
        raise NotPayable(refusal) from refusal
    paths = plan_paths(source, unsigned)
    target = rows[0]["destination"] if len(rows) == 1 else None
    return Plan(submission, Purpose.WITHDRAWAL, total, hot.address, target, source, unsigned, paths, tuple(rows))


async def _destination(context: Context, row: Record) -> Destination:
    if row["destination_item"] is None:
        return Destination(row["destination"])
    clear = await context.reveal(row["destination_item"], RevealPurpose.BUILD_SUBMISSION)
    return Destination(clear["address"], clear["name"])


async def reject(context: Context, row: Record, reason: Reason, detail: str) -> None:
    """It cannot be built, or the signer's policy says no: the money goes back. The customer reads the reason; the detail,
    which tells of the inside, is for operators."""
    _log.warning("withdrawal_rejected", withdrawal=row["id"], reason=reason, detail=detail)
    values = {"state": follow(State(row["state"]), State.REJECTED).value, "reason": reason.value}
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.WITHDRAWAL_REJECTED,
        data=withdrawal_view({**row, **values}, context.asset(row["asset"]).decimals),
        entry=released(context, row),
        writes=(Update("withdrawals", row["id"], row["version"], values),),
        viewers=await viewers_of(context, row["owner"]),
    )
    try:
        await context.journal.commit(change)
    except Stale:  # cancelled meanwhile: the money is back already
        _log.info("withdrawals_taken_elsewhere", withdrawals=[row["id"]])
