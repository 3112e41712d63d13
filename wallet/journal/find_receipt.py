"""The receipt of a Change that was committed earlier, made again from its batch: for retries, and for who asks later.

Receipts are not stored. A batch has at most a thousand rows, older ones had four thousand, and its tree follows from them.
"""

from datetime import datetime, timedelta

import asyncpg

from wallet.journal.body import decode_body
from wallet.journal.receipts import Receipt, SignedBatch, Tree, body_claim, leaf
from wallet.journal.seen import seen_by
from wallet.ledger.walk import SEQ_MAX

CLOCKS_APART_MAX = timedelta(minutes=10)  # between the instance that made an object's row and the one that wrote it

_BATCH = """
SELECT last_seq, first_seq, at, root, key, signature FROM journal_batches
WHERE last_seq >= $1 ORDER BY last_seq LIMIT 1
"""
_ROWS = "SELECT seq, at, body, hash FROM journal WHERE seq BETWEEN $1 AND $2 ORDER BY seq"
_SINCE = "SELECT first_seq FROM journal_batches WHERE at >= $1 ORDER BY at, last_seq LIMIT 1"
_UNTIL = "SELECT last_seq FROM journal_batches WHERE at <= $1 ORDER BY at DESC, last_seq DESC LIMIT 1"
_OF_VIEWER = f"""
SELECT j.seq, j.body FROM ({seen_by("$1", "$2", "ALL", high="$4")}) v JOIN journal j ON j.seq = v.seq
WHERE position(convert_to($3, 'UTF8') IN j.body) > 0 ORDER BY v.seq LIMIT 10
"""  # noqa: S608 (our own query)
_AT = """
SELECT j.seq FROM journal_batches b JOIN journal j ON j.seq BETWEEN b.first_seq AND b.last_seq
WHERE b.at = $1 AND j.hash = $2
"""
_ARCHIVED = """
SELECT EXISTS (
    SELECT FROM journal_batches b JOIN archives a ON b.last_seq BETWEEN a.first_seq AND a.last_seq
    WHERE b.at = $1 AND b.signature = $2
)
"""


class BatchBroken(Exception):
    """The rows of a batch do not lead to its signed root: somebody changed them. `coffer verify` names the place."""

    def __init__(self, last_seq: int) -> None:
        super().__init__(f"the batch that ends with journal row {last_seq} does not lead to its signed root")


async def find_receipt(connection: asyncpg.Connection, seq: int) -> Receipt | None:
    """Of the Change at `seq`; None if there is none, or if its batch is from before receipts were made or was archived.
    Raises `BatchBroken` instead of handing out a receipt that proves nothing."""
    batch = await connection.fetchrow(_BATCH, seq)
    if batch is None or batch["signature"] is None or not batch["first_seq"] <= seq:
        return None
    first, last = batch["first_seq"], batch["last_seq"]
    rows = await connection.fetch(_ROWS, first, last)
    if not rows:
        return None
    claims = [body_claim(row["at"], decode_body(bytes(row["body"]))) for row in rows]
    hashes = [bytes(row["hash"]) for row in rows]
    tree = Tree([leaf(chain, claim) for chain, claim in zip(hashes, claims, strict=True)])
    if tree.size != last - first + 1 or tree.root != bytes(batch["root"]):
        raise BatchBroken(last)
    signed = SignedBatch(tree, hashes[-1], batch["at"], batch["key"], bytes(batch["signature"]))
    return signed.receipt(seq - first, hashes[seq - first], claims[seq - first])


async def find_insert(
    connection: asyncpg.Connection, viewer: str, table: str, row_id: str, made_at: datetime
) -> int | None:
    """The sequence of the Change that made this row, among those that `viewer` may see and that were written since
    `made_at`."""
    first = await connection.fetchval(_SINCE, made_at - CLOCKS_APART_MAX)
    if first is None:
        return None
    last = await connection.fetchval(_UNTIL, made_at + CLOCKS_APART_MAX)
    for high in (last or SEQ_MAX, SEQ_MAX):  # about that time; or where a clock once ran ahead, at any time since
        for seq, record in await connection.fetch(_OF_VIEWER, viewer, first, row_id, high):
            writes = decode_body(bytes(record))["writes"]
            if any(verb == "insert" and (where, row["id"]) == (table, row_id) for verb, where, row in writes):
                return int(seq)
    return None


async def is_claimed(connection: asyncpg.Connection, receipt: Receipt) -> bool:
    """Whether the journal has the Change of a receipt that was verified. False convicts whoever signed it.

    Of archived rows the database has the batches alone: then the very signature must be on record, which covers the root
    that the receipt's path leads to."""
    found = await connection.fetchval(_AT, receipt.at, receipt.chain)
    return found is not None or bool(await connection.fetchval(_ARCHIVED, receipt.at, receipt.signature))
