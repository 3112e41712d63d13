"""How a proposal ends: done, in the Change that does it; failed; or expired."""

import structlog

from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import Stale
from wallet.journal.change import Change, EventKind, Update
from wallet.proposals.find import proposal_view
from wallet.proposals.states import State

_log = structlog.get_logger("proposals")


def done(context: Context, row: Record, outcome: str) -> Update:
    """For the Change that carries the act out: both stand or neither, and the row's version lets it happen once only."""
    values = {"state": State.DONE.value, "outcome": outcome, "ended_at": context.clock.now()}
    return Update("proposals", row["id"], row["version"], values)


async def fail(context: Context, row: Record, why: str) -> None:
    """What was approved cannot be done any more. Nothing was."""
    await _end(context, row, State.FAILED, EventKind.PROPOSAL_FAILED, why)


async def expire(context: Context, row: Record) -> None:
    """Nobody approved it in time, or the world never allowed it."""
    await _end(context, row, State.EXPIRED, EventKind.PROPOSAL_EXPIRED, "its time is over")


async def _end(context: Context, row: Record, state: State, kind: EventKind, outcome: str) -> None:
    values = {"state": state.value, "outcome": outcome, "ended_at": context.clock.now()}
    update = Update("proposals", row["id"], row["version"], values)
    try:
        await context.journal.commit(Change(ACTOR_NODE, kind, proposal_view({**row, **values}), writes=(update,)))
    except Stale:
        _log.info("ended_elsewhere", proposal=row["id"])
