"""Forgetting requests: for how long a key is remembered, and the record that what is older may go.

The record comes first, in the journal itself. Without it a missing answer is a sign that somebody has removed it, so that a
retry pays again; `proofs` makes that difference. What is forgotten is not done again by a client reference, which is unique
for ever.
"""

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context
from wallet.journal.body import time_text
from wallet.journal.change import Change, EventKind, Insert, Update

REMEMBERED_DAYS = 30  # whole days in UTC, and the rest of the day in which a request was answered
_ID = "requests"


async def forget_requests(context: Context, database_now: datetime) -> datetime | None:
    """Put on record what may go; returns the first moment that is still remembered, None while nothing was ever forgotten.

    Three clocks must agree that the time is over: ours, the database's and the journal's. One that runs ahead forgets nothing.
    Raises `Stale` if somebody else was faster."""
    head = await context.one(select(schema.journal_head.c.at))
    assert head is not None, "the first migration makes it"
    now = min(context.clock.now(), database_now, head["at"])
    before = datetime.combine(now.astimezone(UTC).date() - timedelta(days=REMEMBERED_DAYS), time.min, UTC)
    row = await context.one(select(schema.retentions).where(schema.retentions.c.id == _ID))
    known: datetime | None = None if row is None else row["forgotten_before"]
    oldest = await context.one(select(schema.journal.c.at).order_by(schema.journal.c.seq).limit(1))
    if oldest is None or oldest["at"] >= before or (known is not None and known >= before):
        return known
    values = {"forgotten_before": before}
    write = (
        Insert("retentions", {"id": _ID, **values})
        if row is None
        else Update("retentions", _ID, row["version"], values)
    )
    told = {"before": time_text(before)}
    await context.journal.commit(Change(ACTOR_NODE, EventKind.REQUESTS_FORGOTTEN, told, writes=(write,)))
    return before
