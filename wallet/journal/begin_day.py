"""The first Change of a day. The Journal's time is that of its last Change and never goes back, so from this one on nothing can
be booked in the days before: that, and no clock, is how one knows that a day is over."""

from datetime import datetime

from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context
from wallet.journal.change import Change, EventKind


async def begin_day(context: Context) -> None:
    """Has the Journal come to the present day, where nothing else has brought it there; no more than one Change a day."""
    today, last = context.clock.now().date(), await _last_change(context)
    if last is not None and last.date() < today:
        await context.journal.commit(Change(ACTOR_NODE, EventKind.DAY_BEGUN, {"day": today.isoformat()}))


async def is_over(context: Context, end: datetime) -> bool:
    """Whether everything before this moment has been booked."""
    last = await _last_change(context)
    return last is not None and last >= end


async def _last_change(context: Context) -> datetime | None:
    """None in books without any Change."""
    row = await context.one(select(schema.journal_head))
    found: datetime | None = row["at"] if row is not None and row["seq"] else None
    return found
