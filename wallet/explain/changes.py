"""The Changes behind an object, each with its transfers and with the batch that seals it.

They are found where their transfers are: along the index of an account that they moved, from the time on that the object was
made, by the object's id in what was written. What this prevents: a search through everybody's journal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, select, text

from wallet import schema
from wallet.context import Context, Record
from wallet.ledger.history import SEQ_MAX
from wallet.ledger.moments import seq_before, seq_until

CLOCKS_APART_MAX = timedelta(minutes=10)  # between the instance that made an object's row and the one that wrote it
LOOKED_AT_MAX = 20_000  # transfers of one account on one side: some hundred milliseconds
CHANGES_MAX = 100  # of one object; holds that are settled in many parts have more, and their history has them

_SIDE = """(SELECT seq FROM transfers
 WHERE ({side}_account, seq) >= (:account, :low) AND ({side}_account, seq) <= (:account, :high) AND seq >= :low
 ORDER BY {side}_account, seq LIMIT :scan)"""
_NAMING = f"""
SELECT moved.seq FROM ({_SIDE.format(side="debit")} UNION {_SIDE.format(side="credit")}) AS moved
CROSS JOIN LATERAL (SELECT body FROM journal WHERE journal.seq = moved.seq OFFSET 0) AS j
WHERE position(convert_to(:name, 'UTF8') IN j.body) > 0 ORDER BY moved.seq LIMIT :most
"""  # noqa: S608 (parts of this file, no values)
_SEALED = """
SELECT j.seq, j.at, j.kind, j.actor, j.hash, b.first_seq, b.last_seq, b.key
FROM unnest(CAST(:seqs AS bigint[])) AS wanted (seq) JOIN journal AS j ON j.seq = wanted.seq
LEFT JOIN LATERAL (
    SELECT first_seq, last_seq, key FROM journal_batches WHERE last_seq >= wanted.seq ORDER BY last_seq LIMIT 1
) AS b ON b.first_seq <= wanted.seq
ORDER BY j.seq
"""


@dataclass(frozen=True, slots=True)
class Walk:
    """Where to look for Changes that name an object: in these accounts, over this time (until now without an end)."""

    accounts: tuple[str, ...]
    name: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """A Change: where the journal has it, and the batch that seals it. `key` signed the batch; None: it was not signed."""

    seq: int
    at: datetime
    kind: str
    actor: str
    hash: str
    first_seq: int | None
    last_seq: int | None
    key: str | None
    moves: tuple[Record, ...]


async def behind(context: Context, walks: Sequence[Walk]) -> list[Happened]:
    """All Changes that the walks meet, in order."""
    seqs = {seq for walk in walks for account in walk.accounts for seq in await _named(context, account, walk)}
    return await happened(context, sorted(seqs))


async def _named(context: Context, account: str, walk: Walk) -> list[int]:
    low = await seq_before(context, walk.since - CLOCKS_APART_MAX) + 1
    high = SEQ_MAX if walk.until is None else await seq_until(context, walk.until + CLOCKS_APART_MAX)
    numbers = {"low": low, "high": high, "scan": LOOKED_AT_MAX, "most": CHANGES_MAX}
    values = [bindparam(name, value, BigInteger) for name, value in numbers.items()]
    names = [bindparam("account", account, Text), bindparam("name", walk.name, Text)]
    return [row["seq"] for row in await context.all(text(_NAMING).bindparams(*values, *names))]


async def happened(context: Context, seqs: Sequence[int]) -> list[Happened]:
    """The Changes at these places, in order; those that were archived are left out."""
    if not seqs:
        return []
    table = schema.transfers
    moved = select(table).where(table.c.seq.in_(seqs)).order_by(table.c.seq, table.c.ordinal)
    moves: dict[int, list[Record]] = {}
    for row in await context.all(moved):
        moves.setdefault(row["seq"], []).append(row)
    rows = await context.all(text(_SEALED).bindparams(seqs=list(seqs)))
    return [_happened(row, moves.get(row["seq"], [])) for row in rows]


def _happened(row: Any, moves: Sequence[Record]) -> Happened:
    return Happened(**{**row, "hash": bytes(row["hash"]).hex(), "moves": tuple(moves)})
