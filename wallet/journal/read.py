"""Following the journal by cursor: what one customer may see, in order, and never the global sequence."""

from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.journal.body import decode_body, time_text


async def events_after(context: Context, viewer: str, seq: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """Up to `limit` events of this viewer after `seq`, oldest first, each with its sequence for the caller's cursor."""
    viewers, journal = schema.journal_viewers, schema.journal
    statement = (
        select(journal.c.seq, journal.c.at, journal.c.kind, journal.c.body)
        .join(viewers, viewers.c.seq == journal.c.seq)
        .where(viewers.c.viewer == viewer, viewers.c.seq > seq)
        .order_by(viewers.c.seq)
        .limit(limit)
    )
    return [(row["seq"], render(row)) for row in await context.all(statement)]


def render(row: Any) -> dict[str, Any]:
    """An event as its viewers see it: what happened, when, and the public content; nothing of the inside."""
    return {"type": row["kind"], "at": time_text(row["at"]), "data": decode_body(bytes(row["body"]))["data"]}
