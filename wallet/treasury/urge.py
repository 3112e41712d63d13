"""An operator wants a stuck submission to pay a higher fee now, whatever the policy of waiting says. The caps still hold."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotFound, NotReplaceable
from wallet.journal.change import Change, EventKind, Update
from wallet.ports import Replacing
from wallet.treasury.states import State
from wallet.treasury.submissions import submission_view

_STUCK = (State.SIGNED, State.SUBMITTED, State.CANCELLING)


async def urge_submission(context: Context, actor: str, submission: str) -> Record:
    """The next look replaces it. Raises `NotFound`, `NotReplaceable`."""
    row = await context.one(select(schema.submissions).where(schema.submissions.c.id == submission))
    if row is None:
        raise NotFound("submission", submission)
    if row["state"] not in _STUCK or not isinstance(context.network(row["network"]), Replacing):
        raise NotReplaceable(submission, row["state"])
    change = Change(
        actor=actor,
        kind=EventKind.SUBMISSION_URGED,
        data=submission_view(context, row),
        writes=(Update("submissions", row["id"], row["version"], {"urged": True}),),
    )
    await context.journal.commit(change)
    return {**row, "urged": True}
