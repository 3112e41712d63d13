"""The Changes behind an object, each with its transfers and with the batch that seals it.

They are found where their transfers are: along the index of an account that they moved, from the time on that the object was
made, by the object's id in what was written. What this prevents: a search through everybody's journal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, select, text

from wallet import schema
from wallet.context import Context, Record
from wallet.journal.find_receipt import CLOCKS_APART_MAX
from wallet.ledger.moments import seq_before, seq_until
from wallet.ledger.walk import SEQ_MAX, in_order, within

LOOKED_AT_MAX = 20_000  # transfers of one account on one side: some hundred milliseconds
NEAR_MAX = 100_000  # the same, looked at from the very time on where so many do not reach
CHANGES_MAX = 100  # of one object; holds that are settled in many parts have more, and their history has them


def _side(side: str) -> str:
    asked = within(side, ":account", ":low", ":high")
    return f"(SELECT seq FROM transfers WHERE {asked} AND seq >= :low ORDER BY {in_order(side)} LIMIT :scan)"  # noqa: S608


_NAMING = f"""
WITH moved AS MATERIALIZED ({_side("debit")} UNION ALL {_side("credit")}), named AS (
    SELECT DISTINCT moved.seq
    FROM moved CROSS JOIN LATERAL (SELECT body FROM journal WHERE journal.seq = moved.seq OFFSET 0) AS j
    WHERE position(convert_to(:name, 'UTF8') IN j.body) > 0
)
SELECT (SELECT count(*) FROM moved) AS looked_at, ARRAY(SELECT seq FROM named ORDER BY seq LIMIT :most) AS seqs
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


@dataclass(frozen=True, slots=True)
class Behind:
    """`is_whole` is False where an account moved too often in that time for all of it to be looked at."""

    changes: list[Happened]
    is_whole: bool = True


async def behind(context: Context, walks: Sequence[Walk]) -> Behind:
    """All Changes that the walks meet, in order."""
    found = [await _named(context, account, walk) for walk in walks for account in walk.accounts]
    seqs = {seq for one in found for seq in one.seqs}
    return Behind(await happened(context, sorted(seqs)), all(one.is_whole for one in found))


@dataclass(frozen=True, slots=True)
class _Found:
    seqs: frozenset[int]
    is_whole: bool


async def _named(context: Context, account: str, walk: Walk) -> _Found:
    """With room for clocks that differ; of an account that moves too often for that, also from the very time on."""
    high = SEQ_MAX if walk.until is None else await seq_until(context, walk.until + CLOCKS_APART_MAX)
    low = await seq_before(context, walk.since - CLOCKS_APART_MAX) + 1
    wide = await _look(context, account, walk.name, low, high, LOOKED_AT_MAX)
    if wide.is_whole:
        return wide
    near = await _look(context, account, walk.name, await seq_before(context, walk.since) + 1, high, NEAR_MAX)
    return _Found(wide.seqs | near.seqs, near.is_whole)


async def _look(context: Context, account: str, name: str, low: int, high: int, scan: int) -> _Found:
    numbers = {"low": low, "high": high, "scan": scan, "most": CHANGES_MAX}
    values = [bindparam(key, value, BigInteger) for key, value in numbers.items()]
    names = [bindparam("account", account, Text), bindparam("name", name, Text)]
    row = await context.one(text(_NAMING).bindparams(*values, *names))
    if row is None:
        raise AssertionError("an aggregate has a row")
    return _Found(frozenset(row["seqs"]), row["looked_at"] < scan)


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
