"""Following the journal by cursor: what one customer may see, in order, and never the global sequence."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Text, TextClause, bindparam, text

from wallet.context import Context
from wallet.journal.body import decode_body, time_text
from wallet.journal.parts import told_to
from wallet.journal.seen import seen_by

Place = tuple[int, int]
"""How far a viewer has followed: a sequence, and how many events of the next one they have been told. A Change tells a viewer
several events where it moves several of their things."""


async def events_after(context: Context, viewer: str, place: Place, limit: int) -> list[tuple[Place, dict[str, Any]]]:
    """Up to `limit` events of this viewer after `place`, oldest first, each with the place that it leads to."""
    seq, told = place
    found: list[tuple[Place, dict[str, Any]]] = []
    for row in await context.all(events_statement(viewer, seq, limit)):
        found += list(_rendered(row, viewer))[told:]
        told = 0  # only the first Change was told in part
    return found[:limit]


def events_statement(viewer: str, seq: int, limit: int) -> TextClause:
    statement = text(
        "SELECT j.seq, j.at, j.kind, j.body "  # noqa: S608 (our own query)
        f"FROM ({seen_by(':viewer', ':low', ':limit')}) seen JOIN journal j ON j.seq = seen.seq ORDER BY j.seq"
    )
    return statement.bindparams(
        bindparam("viewer", viewer, Text), bindparam("low", seq + 1, BigInteger), bindparam("limit", limit, BigInteger)
    )


def _rendered(row: Any, viewer: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """A Change as its viewer sees it: what happened, when, and the public content that is theirs; nothing of the inside."""
    at = time_text(row["at"])
    told = told_to(viewer, row["kind"], decode_body(bytes(row["body"]))["data"])
    for count, (kind, data) in enumerate(told, 1):
        place = (row["seq"], 0) if count == len(told) else (row["seq"] - 1, count)
        yield place, {"type": kind, "at": at, "data": data}
