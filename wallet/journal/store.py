"""What a batch writes: one statement, in which the head comes first and every table's rows are counted. Pure.

Balances are written as deltas, never as totals, so that the table's CHECKs stay a guard of their own. Only rows that one
batch writes more than once need statements of their own, for in one statement PostgreSQL would apply one update and drop
the rest. Columns arrive as array literals (`arrays`); bytes are packed into one, to be taken apart by place and length.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any

import msgspec
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from wallet.errors import RememberedRefusal
from wallet.journal.arrays import number_array, packed, text_array, text_columns
from wallet.journal.batch import Batch, Sealed
from wallet.journal.body import Written
from wallet.journal.change import Committed
from wallet.journal.judge import OpenHold, RowKey, Totals
from wallet.journal.seen import seen_beside
from wallet.journal.sql import Part, SqlStatement, together
from wallet.schema import ROWS
from wallet.vault.items import SealedItem

_HEAD_MOVED_ON = """
UPDATE journal_head SET seq = {}, hash = {}, at = {} WHERE seq = {} AND hash = {} AND fence = {} RETURNING 1
"""
_HEAD_FENCED = "UPDATE journal_head SET fence = {} WHERE seq = {} AND hash = {} AND fence = {} RETURNING 1"
_HEAD_KEPT = "SELECT 1 FROM journal_head WHERE seq = {} AND hash = {} AND fence = {} FOR UPDATE"
_JOURNAL = """
INSERT INTO journal (seq, at, kind, actor, body, hash)
SELECT {}::bigint + nth, {}::timestamptz, kind, actor, substr({}::bytea, place, length),
       substr({}::bytea, (nth * 32 - 31)::int, 32)
FROM unnest({}::text::text[], {}::text::text[], {}::text::int[], {}::text::int[])
     WITH ORDINALITY AS x (kind, actor, place, length, nth)
WHERE EXISTS (SELECT FROM head) RETURNING 1
"""
_TRANSFERS = """
INSERT INTO transfers (seq, ordinal, move, debit_account, credit_account, asset, units, hold,
                       debit_posted_after, debit_held_after, credit_posted_after, credit_held_after)
SELECT * FROM unnest({}::text::bigint[], {}::text::smallint[], {}::text::text[], {}::text::text[], {}::text::text[],
                     {}::text::text[], {}::text::numeric[], {}::text::text[], {}::text::numeric[], {}::text::numeric[],
                     {}::text::numeric[], {}::text::numeric[])
WHERE EXISTS (SELECT FROM head) RETURNING 1
"""
_ACCOUNTS_MOVED = """
UPDATE accounts SET debits_pending = debits_pending + x.dp, debits_posted = debits_posted + x.d,
    credits_pending = credits_pending + x.cp, credits_posted = credits_posted + x.c, flags = x.flags
FROM unnest({}::text::text[], {}::text::numeric[], {}::text::numeric[], {}::text::numeric[], {}::text::numeric[],
            {}::text::int[]) AS x (id, dp, d, cp, c, flags)
WHERE accounts.id = x.id AND EXISTS (SELECT FROM head) RETURNING 1
"""
_ACCOUNTS_OPENED = """
INSERT INTO accounts (id, owner, code, asset, debits_pending, debits_posted, credits_pending, credits_posted, flags)
SELECT id, split_part(id, ':', 1), split_part(id, ':', 2), split_part(id, ':', 3), dp, d, cp, c, flags
FROM unnest({}::text::text[], {}::text::numeric[], {}::text::numeric[], {}::text::numeric[], {}::text::numeric[],
            {}::text::int[]) AS x (id, dp, d, cp, c, flags)
WHERE EXISTS (SELECT FROM head) RETURNING 1
"""
_VIEWERS = """
INSERT INTO journal_viewers (viewer, seq)
SELECT * FROM unnest({}::text::text[], {}::text::bigint[]) WHERE EXISTS (SELECT FROM head) RETURNING 1
"""
_BATCH = """
INSERT INTO journal_batches (last_seq, first_seq, at, root, key, signature)
SELECT {}::bigint, {}::bigint + 1, {}::timestamptz, {}::bytea, {}::text, {}::bytea WHERE EXISTS (SELECT FROM head) RETURNING 1
"""
_HOLDS_PLACED = """
INSERT INTO holds (id, debit, credit, asset, units, remaining)
SELECT * FROM unnest({}::text::text[], {}::text::text[], {}::text::text[], {}::text::text[], {}::text::numeric[],
                     {}::text::numeric[])
WHERE EXISTS (SELECT FROM head) RETURNING 1
"""
_HOLDS_FOLLOWED = """
UPDATE holds SET remaining = holds.remaining + x.delta FROM unnest({}::text::text[], {}::text::numeric[]) AS x (id, delta)
WHERE holds.id = x.id AND EXISTS (SELECT FROM head) RETURNING 1
"""
_ANSWERS = """
INSERT INTO requests (day, owner, operation, key, digest, seq, refusal)
SELECT {}::date, owner, operation, key, substr({}::bytea, place, length), seq, refusal
FROM unnest({}::text::text[], {}::text::text[], {}::text::text[], {}::text::bigint[], {}::text::jsonb[], {}::text::int[],
            {}::text::int[]) AS x (owner, operation, key, seq, refusal, place, length)
WHERE EXISTS (SELECT FROM head) RETURNING 1
"""
_VAULT = """
INSERT INTO vault_items (id, person, kind, commitment, ciphertext)
SELECT * FROM unnest({}::text[], {}::text[], {}::text[], {}::bytea[], {}::bytea[])
WHERE EXISTS (SELECT FROM head) RETURNING 1
"""


def statements(batch: Batch) -> list[SqlStatement]:
    """In order. Where there is only one, as nearly always, it may be sent without BEGIN and COMMIT."""
    rounds = _rounds(batch.sealed)
    parts = [_head(batch)]
    if batch.answers:
        parts.append(_answers(batch))
    if batch.sealed:
        parts += [*_books(batch), *_holds(batch.holds_before, batch.known.holds), *rounds[0]]
    if items := [item for s in batch.sealed for item in s.change.vault]:
        parts.append(_vault(items))
    seq, hash_ = batch.head.seq, batch.head.hash
    after = Part(_HEAD_KEPT, (seq, hash_, batch.head.fence), 1)
    return [together(parts), *(together([after, *later]) for later in rounds[1:])]


def _head(batch: Batch) -> Part:
    """The head moves; where nothing is sealed its fence does, for what is remembered is news to other writers as well. Where
    nothing is new it is only locked."""
    before = (batch.before.seq, batch.before.hash, batch.before.fence)
    if not batch.sealed:
        return Part(_HEAD_FENCED, (batch.head.fence, *before), 1) if batch.answers else Part(_HEAD_KEPT, before, 1)
    return Part(_HEAD_MOVED_ON, (batch.head.seq, batch.head.hash, batch.at, *before), 1)


def _books(batch: Batch) -> list[Part]:
    """Journal rows, transfers, balances, who may see them, and the batch itself."""
    signed, first, last = batch.sealing.signed, batch.before.seq, batch.head.seq
    signature = (None, None, None) if signed is None else (signed.tree.root, signed.key, signed.signature)
    parts = [
        _journal(batch),
        *_transfers(batch.sealed),
        *_accounts(batch.totals_before, batch.known.totals),
        Part(_BATCH, (last, first, batch.at, *signature), 1),
    ]
    viewers = [(viewer, s.seq) for s in batch.sealed if s.change.viewers for viewer in _seen_beside(s)]
    if viewers:
        names, places = text_array([name for name, _ in viewers]), number_array([seq for _, seq in viewers])
        parts.append(Part(_VIEWERS, (names, places), len(viewers)))
    return parts


def _seen_beside(sealed: Sealed) -> list[str]:
    owners = {account.owner for j in sealed.judged for account in (j.transfer.debit, j.transfer.credit)}
    return seen_beside(sealed.change.viewers, owners)


def _journal(batch: Batch) -> Part:
    sealed = batch.sealed
    bodies, places, lengths = packed([s.body for s in sealed])
    hashes = b"".join([s.hash for s in sealed])
    kinds, actors = text_array([s.change.kind for s in sealed]), text_array([s.change.actor for s in sealed])
    return Part(_JOURNAL, (batch.before.seq, batch.at, bodies, hashes, kinds, actors, places, lengths), len(sealed))


def _transfers(sealed: Sequence[Sealed]) -> list[Part]:
    judged = [one for s in sealed for one in s.judged]
    if not judged:
        return []
    transfers, debited, credited = zip(*[(j.transfer, j.debit_after, j.credit_after) for j in judged], strict=True)
    arguments = (
        number_array([s.seq for s in sealed for _ in s.judged]),
        number_array([n for s in sealed for n in range(len(s.judged))]),
        text_array([t.move for t in transfers]),
        text_array([t.debit.id for t in transfers]),
        text_array([t.credit.id for t in transfers]),
        text_array([t.amount.asset.symbol for t in transfers]),
        number_array([t.amount.units for t in transfers]),
        text_array([t.hold for t in transfers]),
        number_array([after.credits_posted - after.debits_posted for after in debited]),
        number_array([after.debits_pending for after in debited]),
        number_array([after.credits_posted - after.debits_posted for after in credited]),
        number_array([after.debits_pending for after in credited]),
    )
    return [Part(_TRANSFERS, arguments, len(judged))]


def _accounts(before: Mapping[str, Totals], after: Mapping[str, Totals]) -> list[Part]:
    """Accounts that moved, by how much; new ones whole."""
    opened = [name for name in after if name not in before]
    moved = [name for name, totals in after.items() if before.get(name, totals) is not totals]
    parts = [(_ACCOUNTS_OPENED, opened), (_ACCOUNTS_MOVED, moved)]
    return [Part(sql, _delta_columns(names, before, after), len(names)) for sql, names in parts if names]


def _delta_columns(names: list[str], before: Mapping[str, Totals], after: Mapping[str, Totals]) -> tuple[str, ...]:
    nothing = Totals()
    sides = [(before.get(name, nothing), after[name]) for name in names]
    return (
        text_array(names),
        number_array([new.debits_pending - old.debits_pending for old, new in sides]),
        number_array([new.debits_posted - old.debits_posted for old, new in sides]),
        number_array([new.credits_pending - old.credits_pending for old, new in sides]),
        number_array([new.credits_posted - old.credits_posted for old, new in sides]),
        number_array([new.flags for _, new in sides]),
    )


def _holds(before: Mapping[str, OpenHold], after: Mapping[str, OpenHold]) -> list[Part]:
    """New holds whole, open ones by what was settled or voided of them."""
    placed = [
        (name, h.debit, h.credit, h.asset, str(h.units), str(h.remaining))
        for name, h in after.items()
        if name not in before
    ]
    followed = [
        (name, str(h.remaining - before[name].remaining)) for name, h in after.items() if before.get(name, h) is not h
    ]
    parts = ((_HOLDS_PLACED, placed), (_HOLDS_FOLLOWED, followed))
    return [Part(sql, tuple(text_columns(rows, len(rows[0]))), len(rows)) for sql, rows in parts if rows]


def _answers(batch: Batch) -> Part:
    """Remember how these requests ended. What an accepted one is told lies in its journal row and nowhere else.

    The day is the head's, also where a batch leaves it: whoever looks for an answer looks up to the head's day at least, so
    no clock that is ahead hides one from a clock that is behind."""
    requests = [request for request, _ in batch.answers]
    day = (batch.head.at if batch.head.seq else batch.at).date()
    keys = [text_array([r.owner for r in requests]), text_array([r.operation for r in requests])]
    keys.append(text_array([r.key for r in requests]))
    digests, starts, lengths = packed([r.digest for r in requests])
    places = text_array([end.seq if isinstance(end, Committed) else None for _, end in batch.answers])
    refusals = text_array([None if isinstance(end, Committed) else _refusal_text(end) for _, end in batch.answers])
    return Part(_ANSWERS, (day, digests, *keys, places, refusals, starts, lengths), len(requests))


def _refusal_text(refusal: RememberedRefusal) -> str:
    return json.dumps([refusal.stable_code, refusal.message, refusal.detail])


def _vault(items: Sequence[SealedItem]) -> Part:
    columns = ([i.id for i in items], [i.person for i in items], [i.kind.value for i in items])
    return Part(_VAULT, (*columns, [i.commitment for i in items], [i.ciphertext for i in items]), len(items))


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_Rows = dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]]


def _rounds(sealed: Sequence[Sealed]) -> list[list[Part]]:
    """Inserts and updates by table and set of columns. A row that the batch writes more than once goes in rounds, each
    touching it once; nearly always there is one round."""
    inserts: _Rows = defaultdict(list)
    updates: list[_Rows] = [defaultdict(list)]
    writes = [write for s in sealed for write in s.writes]
    turn = _turns(writes)
    for write in writes:
        if write.verb == "insert":
            inserts[write.table, write.names].append(write.values)
            continue
        number = next(turn[write.table, write.row_id])
        if number == len(updates):
            updates.append(defaultdict(list))
        updates[number][write.table, write.names].append(write.values)
    first = [_insert(table, names, rows) for (table, names), rows in inserts.items()]
    later = [[_update(table, names, rows) for (table, names), rows in one.items()] for one in updates]
    return [first + later[0], *later[1:]]


def _turns(writes: Sequence[Written]) -> dict[RowKey, Iterator[int]]:
    """For each row that is updated the rounds that its updates go in: the first is taken where the batch made the row."""
    updated = {(write.table, write.row_id) for write in writes if write.verb == "update"}
    if not updated:
        return {}
    made = {(write.table, write.row_id) for write in writes if write.verb == "insert"}
    return {key: count(key in made) for key in updated}


def _insert(table: str, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> Part:
    return Part(_insert_sql(table, names), _row_columns(table, names, rows), len(rows))


def _update(table: str, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> Part:
    return Part(_update_sql(table, names), _row_columns(table, names, rows), len(rows))


@cache
def _insert_sql(table: str, names: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO {table} ({', '.join(names)}) {_given(table, names)} WHERE EXISTS (SELECT FROM head) RETURNING 1"
    )


@cache
def _update_sql(table: str, names: tuple[str, ...]) -> str:
    assignments = ", ".join(f"{name} = x.{name}" for name in names if name != "id")
    return (
        f"UPDATE {table} SET {assignments} FROM ({_given(table, names)}) AS x "  # noqa: S608 (our own table and column names)
        f"WHERE {table}.id = x.id AND {table}.version = x.version - 1 AND EXISTS (SELECT FROM head) RETURNING 1"
    )


def _given(table: str, names: tuple[str, ...]) -> str:
    """The rows out of one array for each column; a column that is an array itself, or JSON, comes as text."""
    shown = ", ".join(f"g.{name}::{_sql_type(ROWS[table].columns[name])} AS {name}" for name in names)
    arrays = ", ".join(f"{{}}::text::{_element_type(ROWS[table].columns[name])}[]" for name in names)
    return f"SELECT {shown} FROM unnest({arrays}) AS g ({', '.join(names)})"  # noqa: S608 (our own table and column names)


def _sql_type(column: Column[Any]) -> str:
    return str(column.type.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def _element_type(column: Column[Any]) -> str:
    return "text" if isinstance(column.type, ARRAY | JSONB) else _sql_type(column)


def _row_columns(table: str, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple([_texts(table, name)(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)])


@cache
def _texts(table: str, name: str) -> Callable[[Sequence[Any]], str]:
    """How the values of a column, as `wire_row` gives them, become its array literal."""
    kind = ROWS[table].columns[name].type
    if isinstance(kind, JSONB):
        return lambda values: text_array([None if v is None else msgspec.json.encode(v).decode() for v in values])
    if isinstance(kind, ARRAY):
        return lambda values: text_array([None if v is None else text_array(v) for v in values])
    return text_array
