"""Following the journal by cursor: what one customer may see, in order, and never the global sequence."""

from typing import Any

from sqlalchemy import BigInteger, Text, TextClause, bindparam, text

from wallet.context import Context
from wallet.journal.body import decode_body, time_text
from wallet.journal.seen import seen_by


async def events_after(context: Context, viewer: str, seq: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """Up to `limit` events of this viewer after `seq`, oldest first, each with its sequence for the caller's cursor."""
    rows = await context.all(events_statement(viewer, seq, limit))
    return [(row["seq"], render(row)) for row in rows]


def events_statement(viewer: str, seq: int, limit: int) -> TextClause:
    statement = text(
        "SELECT j.seq, j.at, j.kind, j.body "  # noqa: S608 (our own query)
        f"FROM ({seen_by(':viewer', ':low', ':limit')}) seen JOIN journal j ON j.seq = seen.seq ORDER BY j.seq"
    )
    return statement.bindparams(
        bindparam("viewer", viewer, Text), bindparam("low", seq + 1, BigInteger), bindparam("limit", limit, BigInteger)
    )


def render(row: Any) -> dict[str, Any]:
    """An event as its viewers see it: what happened, when, and the public content; nothing of the inside."""
    return {"type": row["kind"], "at": time_text(row["at"]), "data": decode_body(bytes(row["body"]))["data"]}
