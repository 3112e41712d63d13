"""A Journal that signs, and somebody who writes its whole chain anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from node.clock import SystemClock
from wallet.journal import Change, EventKind, Insert, Journal
from wallet.journal.body import decode_body
from wallet.journal.chain import GENESIS, link
from wallet.journal.receipts import JournalKey, Tree, body_claim, leaf, sign_batch

KEY, STOLEN_NAME = JournalKey.from_seed(b"k" * 32), JournalKey.from_seed(b"o" * 32)


def key_listed(key: JournalKey = KEY) -> Change:
    row = {"id": key.id, "created_at": datetime(2026, 11, 22, tzinfo=UTC)}
    return Change("node", EventKind.JOURNAL_KEY_LISTED, {"key": key.id}, writes=(Insert("journal_keys", row),))


@asynccontextmanager
async def signing(dsn: str, key: JournalKey = KEY) -> AsyncIterator[Journal]:
    journal = Journal(dsn, SystemClock(), key)
    await journal.start()
    try:
        yield journal
    finally:
        await journal.stop()


async def write_anew(owner: asyncpg.Connection, seq: int, old: str, new: str, key: JournalKey | None = None) -> None:
    """Replaces a text in one body and makes every hash from there on right again; with a key also every signature."""
    for table in ("journal", "journal_batches"):
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    rows = await owner.fetch("SELECT seq, at, body FROM journal ORDER BY seq")
    previous = GENESIS
    for row in rows:
        body = bytes(row["body"])
        if row["seq"] == seq:
            assert old.encode() in body
            body = body.replace(old.encode(), new.encode())
        previous = link(previous, row["seq"], row["at"], body)
        await owner.execute("UPDATE journal SET body = $2, hash = $3 WHERE seq = $1", row["seq"], body, previous)
    await owner.execute("UPDATE journal_head SET hash = $1", previous)
    if key is not None:
        await _sign_anew(owner, key)


async def _sign_anew(owner: asyncpg.Connection, key: JournalKey) -> None:
    for batch in await owner.fetch("SELECT first_seq, last_seq, at FROM journal_batches WHERE root IS NOT NULL"):
        rows = await owner.fetch(
            "SELECT at, body, hash FROM journal WHERE seq BETWEEN $1 AND $2 ORDER BY seq", *batch[:2]
        )
        leaves = [leaf(bytes(r["hash"]), body_claim(r["at"], decode_body(bytes(r["body"])))) for r in rows]
        root, head = Tree(leaves).root, bytes(rows[-1]["hash"])
        signature = sign_batch(key, head, batch["at"], root)
        sql = "UPDATE journal_batches SET root = $2, key = $3, signature = $4 WHERE last_seq = $1"
        await owner.execute(sql, batch["last_seq"], root, key.id, signature)
