"""Look proposals up, and how they are shown: the exact act in words, with all that was said about it."""

from collections.abc import Sequence

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotFound
from wallet.journal.body import time_text
from wallet.proposals.digest import digest_words

LISTED_MAX = 200


def proposal_view(row: Record) -> dict[str, object]:
    """`approvals` and `signatures` are counted under who gave them."""
    return {
        "id": row["id"],
        "kind": row["kind"],
        "subject": row["subject"],
        "content": dict(row["content"]),
        "digest": row["digest"],
        "words": digest_words(bytes.fromhex(row["digest"])),
        "reason": row["reason"],
        "proposer": row["proposer"],
        "status": row["state"],
        "approvals": dict(row["approvals"]),
        "signed_by": sorted(row["signatures"]),
        "outcome": row["outcome"],
        "created_at": time_text(row["created_at"]),
        "expires_at": time_text(row["expires_at"]),
        "ended_at": time_text(row["ended_at"]) if row["ended_at"] else None,
    }


async def find_proposal(context: Context, name: str) -> Record:
    """Raises `NotFound`."""
    row = await context.one(select(schema.proposals).where(schema.proposals.c.id == name))
    if row is None:
        raise NotFound("proposal", name)
    return row


async def list_proposals(context: Context, states: Sequence[str]) -> list[Record]:
    """Newest first; of all states without any."""
    table = schema.proposals
    wanted = select(table).order_by(table.c.id.desc()).limit(LISTED_MAX)
    return await context.all(wanted.where(table.c.state.in_(states)) if states else wanted)
