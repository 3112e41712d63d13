"""The submissions that send strays back: what the signer is shown with them, and what the stray's owner hears of them."""

from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.ids import SubmissionId
from wallet.journal.change import Change, EventKind
from wallet.ports import Approval, Purpose, SignRequest
from wallet.strays.record import moved_stray
from wallet.strays.states import State as StrayState


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a submission says that sends a stray back: the proposal, what operators signed, and the stray as it stands."""

    proposal: Record
    stray: Record

    @property
    def references(self) -> tuple[str, ...]:
        return (str(self.proposal["id"]),)

    @property
    def approvals(self) -> tuple[Approval, ...]:
        return tuple(Approval(key, signature) for key, signature in sorted(self.proposal["signatures"].items()))


def approved(request: SignRequest, recovery: Recovery | None) -> SignRequest:
    return (
        request if recovery is None else replace(request, references=recovery.references, approvals=recovery.approvals)
    )


async def recovery_of(context: Context, row: Record) -> Recovery | None:
    """None for a submission that sends no stray."""
    if row["purpose"] != Purpose.RECOVERY:
        return None
    strays, proposals = schema.strays, schema.proposals
    stray = await context.one(select(strays).where(strays.c.submission == row["id"]))
    if stray is None:
        raise AssertionError(f"{row['id']} recovers no stray")
    proposal = await context.one(select(proposals).where(proposals.c.id == stray["proposal"]))
    if proposal is None:
        raise AssertionError(f"{stray['id']} is recovered without a proposal")
    return Recovery(proposal, stray)


async def recovering(context: Context, recovery: Recovery, submission: SubmissionId) -> Change:
    """From the reservation on the stray is on its way, and is no deposit whatever becomes listed."""
    values = {"state": StrayState.RECOVERING.value, "proposal": recovery.proposal["id"], "submission": submission}
    return await moved_stray(context, recovery.stray, EventKind.STRAY_RECOVERING, values)


async def told_of(context: Context, row: Record, state: StrayState) -> Change | None:
    """What a stray's owner hears of the submission that should send it back: it is away, or it is there again."""
    recovery = await recovery_of(context, row)
    if recovery is None:
        return None
    back = {"proposal": None, "submission": None} if state is StrayState.SEEN else {}
    kind = EventKind.STRAY_SEEN if state is StrayState.SEEN else EventKind.STRAY_RECOVERED
    return await moved_stray(context, recovery.stray, kind, {"state": state.value, **back})


def told_as(change: Change, told: Change) -> Change:
    """One Change with the news of the other: its owner follows their stray, not our submission."""
    return msgspec.structs.replace(
        change, kind=told.kind, data=told.data, viewers=told.viewers, writes=(*change.writes, *told.writes)
    )
