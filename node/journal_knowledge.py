"""What this node's journal knows, for the signer: neither an old copy of the books nor one of its memory goes unseen."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from wallet import schema
from wallet.ports import JournalKnows, SignerSeen

SIGNED_MAX = 256  # the newest: an older copy of a memory lacks these


class JournalKnowledge:
    """Reads the books; called by the signer's client when the signer wants to see them."""

    def __init__(self, reads: AsyncEngine) -> None:
        self._reads = reads

    async def __call__(self, seen: SignerSeen) -> JournalKnows:
        journal, head = schema.journal, schema.journal_head
        async with self._reads.connect() as connection:
            last = (await connection.execute(select(head.c.seq, head.c.hash))).one()
            there = await connection.execute(select(journal.c.hash).where(journal.c.seq == seen.seq))
            known = await connection.execute(
                select(schema.submissions.c.id).where(schema.submissions.c.id.in_(seen.submissions))
            )
            signed = await connection.execute(
                select(schema.submissions.c.id)
                .where(schema.submissions.c.tx.is_not(None))
                .order_by(schema.submissions.c.id.desc())
                .limit(SIGNED_MAX)
            )
            hash_there = there.scalar_one_or_none()
            return JournalKnows(
                seq=last.seq,
                head=bytes(last.hash).hex(),
                seen_hash=bytes(hash_there).hex() if hash_there is not None else "",
                unknown=_missing(seen.submissions, set(known.scalars())),
                signed=tuple(signed.scalars()),
            )


def _missing(asked: Sequence[str], found: set[str]) -> tuple[str, ...]:
    return tuple(one for one in asked if one not in found)
