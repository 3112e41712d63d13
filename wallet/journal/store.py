"""The SQL of a batch: look-ups under the head lock, then a few set-based writes whose affected rows are counted.

Balances are written as deltas, never as totals, so that the table's CHECKs stay a guard of their own. Every statement
says how many rows it must touch; any other number raises `BatchMismatch` and the whole batch is rolled back.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg

from wallet.errors import RememberedRefusal
from wallet.journal.arrays import number_array, text_array
from wallet.journal.body import decode_body, result_of, rows_text
from wallet.journal.change import Change, Committed, Insert, Request
from wallet.journal.judge import JudgedTransfer, Known, OpenHold, RowKey, Totals, UniqueKey, unique_keys
from wallet.schema import ROWS
from wallet.vault.items import SealedItem

LOCK_HEAD = "SELECT seq, hash, at FROM journal_head FOR UPDATE"


class BatchMismatch(Exception):
    """The database did not do what the judged batch says. Nothing of the batch is kept."""


@dataclass(frozen=True, slots=True)
class Head:
    seq: int
    hash: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Sealed:
    """An accepted Change at its place in the chain."""

    seq: int
    at: datetime
    hash: bytes
    body: bytes
    change: Change
    writes: list[list[object]]
    judged: list[JudgedTransfer]


RequestKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Remembered:
    """How a request ended: accepted, with its place in the journal, which holds the result; or refused, word for word."""

    digest: bytes
    answer: Committed | RememberedRefusal


async def lock_head(connection: asyncpg.Connection) -> Head:
    """In a statement of its own (READ COMMITTED): whatever is read after it sees what the last holder committed."""
    row = await connection.fetchrow(LOCK_HEAD)
    if row is None:
        raise BatchMismatch("journal_head is empty")
    return Head(row["seq"], bytes(row["hash"]), row["at"])


# ── look-ups ─────────────────────────────────────────────────────────────────────────────────────────────────────────

# No answer is younger than the batch: that spares a look into the partitions of days to come.
_REQUESTS = """
SELECT r.owner, r.operation, r.key, r.digest, r.seq, r.refusal, j.at, j.body FROM requests r
JOIN unnest($1::text::text[], $2::text::text[], $3::text::text[]) AS k (owner, operation, key) USING (owner, operation, key)
LEFT JOIN journal j ON j.seq = r.seq
WHERE r.day <= $4::date
"""
_TOTALS = """
SELECT id, debits_pending::text, debits_posted::text, credits_pending::text, credits_posted::text, flags
FROM accounts WHERE id = ANY ($1::text::text[])
"""
_HOLDS = "SELECT id, debit, credit, asset, units::text, remaining::text FROM holds WHERE id = ANY ($1::text[])"


def request_key(request: Request) -> RequestKey:
    return (request.owner, request.operation, request.key)


async def find_answers(
    connection: asyncpg.Connection, requests: Sequence[Request], day_last: date
) -> dict[RequestKey, Remembered]:
    """What these requests were answered, those of them that were, up to that day."""
    keys = _text_columns([request_key(request) for request in requests], 3)
    rows = await connection.fetch(_REQUESTS, *keys, day_last)
    return {(row["owner"], row["operation"], row["key"]): _read_answer(row) for row in rows}


def _read_answer(row: asyncpg.Record) -> Remembered:
    if row["refusal"] is not None:
        return Remembered(bytes(row["digest"]), RememberedRefusal(*json.loads(row["refusal"])))
    if row["body"] is None:
        raise BatchMismatch(f"journal row {row['seq']}, which a request was answered with, is missing")
    result = result_of(decode_body(bytes(row["body"])))
    return Remembered(bytes(row["digest"]), Committed(row["seq"], row["at"], result))


async def load_known(connection: asyncpg.Connection, changes: Sequence[Change], image: Mapping[str, Totals]) -> Known:
    """Everything that judging these Changes needs; balances from the image where it has them."""
    known = Known()
    touched = {account.id for change in changes for t in change.entry for account in (t.debit, t.credit)}
    touched |= {t.otherwise.id for change in changes for t in change.entry if t.otherwise is not None}
    touched |= {flag_change.account.id for change in changes for flag_change in change.flags}
    touched |= {place.id for change in changes for ceiling in change.ceilings for place in ceiling.places}
    known.totals = {name: image[name] for name in touched if name in image}
    missing = [name for name in touched if name not in image]
    if missing:
        known.totals |= await load_totals(connection, missing)
    hold_names = list({t.hold for change in changes for t in change.entry if t.hold is not None})
    if hold_names:
        rows = await connection.fetch(_HOLDS, hold_names)
        known.holds = {r[0]: OpenHold(r[1], r[2], r[3], int(r[4]), int(r[5])) for r in rows}
    await _load_versions(connection, changes, known)
    await _load_taken(connection, changes, known)
    return known


async def load_totals(connection: asyncpg.Connection, names: Sequence[str]) -> dict[str, Totals]:
    rows = await connection.fetch(_TOTALS, text_array(names))
    return {r[0]: Totals(int(r[1]), int(r[2]), int(r[3]), int(r[4]), r[5]) for r in rows}


def _row_keys(changes: Iterable[Change]) -> set[RowKey]:
    keys: set[RowKey] = set()
    for change in changes:
        keys.update((need.table, need.id) for need in change.requires)
        for write in change.writes:
            keys.add((write.table, str(write.row["id"]) if isinstance(write, Insert) else write.id))
    return keys


async def _load_versions(connection: asyncpg.Connection, changes: Iterable[Change], known: Known) -> None:
    by_table: dict[str, list[str]] = defaultdict(list)
    for table, row_id in _row_keys(changes):
        by_table[table].append(row_id)
        known.versions[table, row_id] = None
    for table, ids in by_table.items():
        sql = f"SELECT id, version FROM {ROWS[table].name} WHERE id = ANY ($1::text::text[])"  # noqa: S608 (our own table names)
        for row in await connection.fetch(sql, text_array(ids)):
            known.versions[table, row["id"]] = row["version"]


async def _load_taken(connection: asyncpg.Connection, changes: Iterable[Change], known: Known) -> None:
    claims: dict[tuple[str, tuple[str, ...]], list[UniqueKey]] = defaultdict(list)
    for change in changes:
        for write in change.writes:
            if isinstance(write, Insert):
                for claim in unique_keys(write):
                    claims[claim[0], claim[1]].append(claim)
    for (table, columns), keys in claims.items():
        known.taken |= await _taken(connection, table, columns, keys)


async def _taken(
    connection: asyncpg.Connection, table: str, columns: tuple[str, ...], keys: list[UniqueKey]
) -> set[UniqueKey]:
    """Of these claims, those that a row has already."""
    names = ", ".join(columns)
    wanted = json.dumps([dict(zip(columns, key[2], strict=True)) for key in keys])
    sql = (
        f"SELECT {names} FROM {table} WHERE ({names}) IN "  # noqa: S608 (our own table and column names)
        f"(SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb))"
    )
    return {(table, columns, tuple(row)) for row in await connection.fetch(sql, wanted)}


# ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

# Columns arrive as array literals (`arrays`), but for the bytes, whose text form is twice as long.
_WRITE_BOOKS = """
WITH j AS (
    INSERT INTO journal (seq, at, kind, actor, body, hash)
    SELECT seq, $2, kind, actor, body, hash
    FROM unnest($1::text::bigint[], $3::text::text[], $4::text::text[], $5::bytea[], $6::bytea[])
         AS x (seq, kind, actor, body, hash) RETURNING 1
), t AS (
    INSERT INTO transfers (seq, ordinal, move, debit_account, credit_account, asset, units, hold,
                           debit_posted_after, debit_held_after, credit_posted_after, credit_held_after)
    SELECT * FROM unnest($7::text::bigint[], $8::text::smallint[], $9::text::text[], $10::text::text[], $11::text::text[],
                         $12::text::text[], $13::text::numeric[], $14::text::text[], $15::text::numeric[],
                         $16::text::numeric[], $17::text::numeric[], $18::text::numeric[]) RETURNING 1
), a AS (
    UPDATE accounts SET debits_pending = debits_pending + x.dp, debits_posted = debits_posted + x.d,
        credits_pending = credits_pending + x.cp, credits_posted = credits_posted + x.c, flags = x.flags
    FROM unnest($19::text::text[], $20::text::numeric[], $21::text::numeric[], $22::text::numeric[],
                $23::text::numeric[], $24::text::int[]) AS x (id, dp, d, cp, c, flags)
    WHERE accounts.id = x.id RETURNING 1
), v AS (
    INSERT INTO journal_viewers (viewer, seq)
    SELECT * FROM unnest($25::text::text[], $26::text::bigint[]) RETURNING 1
), h AS (
    UPDATE journal_head SET seq = $27, hash = $28, at = $2 WHERE seq = $29 AND hash = $30 RETURNING 1
)
SELECT (SELECT count(*) FROM j), (SELECT count(*) FROM t), (SELECT count(*) FROM a), (SELECT count(*) FROM v),
       (SELECT count(*) FROM h)
"""
_WRITTEN = ("journal", "transfers", "accounts", "viewers", "head")
_NEW_ACCOUNTS = """
INSERT INTO accounts (id, owner, code, asset, debits_pending, debits_posted, credits_pending, credits_posted, flags)
SELECT id, split_part(id, ':', 1), split_part(id, ':', 2), split_part(id, ':', 3), dp, d, cp, c, flags
FROM unnest($1::text::text[], $2::text::numeric[], $3::text::numeric[], $4::text::numeric[], $5::text::numeric[],
            $6::text::int[]) AS x (id, dp, d, cp, c, flags)
"""
_NEW_HOLDS = """
INSERT INTO holds (id, debit, credit, asset, units, remaining)
SELECT id, debit, credit, asset, units::numeric, remaining::numeric
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
     AS x (id, debit, credit, asset, units, remaining)
"""
_HOLDS_FOLLOWED = """
UPDATE holds SET remaining = holds.remaining + x.delta::numeric
FROM unnest($1::text[], $2::text[]) AS x (id, delta) WHERE holds.id = x.id
"""
_ANSWERS = """
INSERT INTO requests (day, owner, operation, key, digest, seq, refusal)
SELECT $1::date, owner, operation, key, digest, seq, refusal
FROM unnest($2::text::text[], $3::text::text[], $4::text::text[], $5::bytea[], $6::text::bigint[], $7::text::jsonb[])
     AS x (owner, operation, key, digest, seq, refusal)
"""
_VAULT = """
INSERT INTO vault_items (id, person, kind, commitment, ciphertext)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
"""


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])


def _expect(what: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise BatchMismatch(f"{what}: {found} rows instead of {wanted}")


async def write_books(
    connection: asyncpg.Connection, head: Head, sealed: Sequence[Sealed], before: Mapping[str, Totals], known: Known
) -> None:
    """Journal rows, transfers, balances, viewers and the head, in one statement; new accounts in one more."""
    changed = [(name, before.get(name, Totals()), after) for name, after in known.totals.items()]
    opened = [row for row in changed if row[0] not in before]
    moved = [row for row in changed if row[0] in before and row[1] is not row[2]]
    transfers = [_transfer_row(s.seq, n, judged) for s in sealed for n, judged in enumerate(s.judged)]
    viewers = [(viewer, s.seq) for s in sealed for viewer in dict.fromkeys(s.change.viewers)]
    last = sealed[-1]
    counts = await connection.fetchrow(
        _WRITE_BOOKS,
        number_array([s.seq for s in sealed]),
        last.at,
        text_array([s.change.kind.value for s in sealed]),
        text_array([s.change.actor for s in sealed]),
        [s.body for s in sealed],
        [s.hash for s in sealed],
        *_transfer_columns(transfers),
        *_delta_columns([_delta_row(*row) for row in moved]),
        text_array([viewer for viewer, _ in viewers]),
        number_array([seq for _, seq in viewers]),
        last.seq,
        last.hash,
        head.seq,
        head.hash,
    )
    wanted = (len(sealed), len(transfers), len(moved), len(viewers), 1)
    for what, found, number in zip(_WRITTEN, tuple(counts or ()), wanted, strict=True):
        _expect(what, found, number)
    if opened:
        _expect(
            "new accounts",
            _count(await connection.execute(_NEW_ACCOUNTS, *_delta_columns([_delta_row(*row) for row in opened]))),
            len(opened),
        )


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _text_columns(rows: Sequence[Sequence[str | None]], width: int) -> list[str]:
    return [text_array(column) for column in _columns(rows, width)]


def _transfer_columns(rows: Sequence[tuple[int, int, *tuple[str | None, ...]]]) -> list[str]:
    seq, ordinal, *texts = _columns(rows, 12)
    return [number_array(seq), number_array(ordinal), *map(text_array, texts)]


def _delta_columns(rows: Sequence[tuple[str, str, str, str, str, int]]) -> list[str]:
    *texts, flags = _columns(rows, 6)
    return [*map(text_array, texts), number_array(flags)]


def _transfer_row(seq: int, ordinal: int, judged: JudgedTransfer) -> tuple[int, int, *tuple[str | None, ...]]:
    transfer, debit, credit = judged.transfer, judged.debit_after, judged.credit_after
    return (
        seq,
        ordinal,
        transfer.move.value,
        transfer.debit.id,
        transfer.credit.id,
        transfer.amount.asset.symbol,
        str(transfer.amount.units),
        transfer.hold,
        str(debit.posted),
        str(debit.debits_pending),
        str(credit.posted),
        str(credit.debits_pending),
    )


def _delta_row(name: str, before: Totals, after: Totals) -> tuple[str, str, str, str, str, int]:
    return (
        name,
        str(after.debits_pending - before.debits_pending),
        str(after.debits_posted - before.debits_posted),
        str(after.credits_pending - before.credits_pending),
        str(after.credits_posted - before.credits_posted),
        after.flags,
    )


async def write_holds(
    connection: asyncpg.Connection, before: Mapping[str, OpenHold], after: Mapping[str, OpenHold]
) -> None:
    """New holds whole, open ones by what was settled or voided of them."""
    new = [
        (name, h.debit, h.credit, h.asset, str(h.units), str(h.remaining))
        for name, h in after.items()
        if name not in before
    ]
    followed = [
        (name, str(h.remaining - before[name].remaining))
        for name, h in after.items()
        if name in before and before[name] is not h
    ]
    if new:
        _expect("new holds", _count(await connection.execute(_NEW_HOLDS, *_columns(new, 6))), len(new))
    if followed:
        _expect("holds", _count(await connection.execute(_HOLDS_FOLLOWED, *_columns(followed, 2))), len(followed))


async def write_answers(
    connection: asyncpg.Connection, answers: Sequence[tuple[Request, Committed | RememberedRefusal]], day: date
) -> None:
    """Remember how these requests ended. What an accepted one is told lies in its journal row and nowhere else."""
    keys = _text_columns([request_key(request) for request, _ in answers], 3)
    digests = [request.digest for request, _ in answers]
    places = text_array([str(end.seq) if isinstance(end, Committed) else None for _, end in answers])
    refusals = text_array([None if isinstance(end, Committed) else _refusal_text(end) for _, end in answers])
    _expect(
        "requests",
        _count(await connection.execute(_ANSWERS, day, *keys, digests, places, refusals)),
        len(answers),
    )


def _refusal_text(refusal: RememberedRefusal) -> str:
    return json.dumps([refusal.stable_code, refusal.message, refusal.detail])


async def write_vault(connection: asyncpg.Connection, items: Sequence[SealedItem]) -> None:
    rows = [(i.id, i.person, i.kind.value, i.commitment, i.ciphertext) for i in items]
    _expect("vault items", _count(await connection.execute(_VAULT, *_columns(rows, 5))), len(rows))


async def write_rows(connection: asyncpg.Connection, sealed: Sequence[Sealed]) -> None:
    """Inserts by table, then updates by table and set of columns. A row that one batch writes more than once goes in
    rounds, each statement touching it once: in one statement PostgreSQL would apply one update and drop the rest."""
    inserts: dict[str, list[object]] = defaultdict(list)
    rounds: list[dict[tuple[str, tuple[str, ...]], list[object]]] = []
    turn: dict[RowKey, int] = {}
    for verb, table, row in (write for s in sealed for write in s.writes):
        if verb == "insert":
            inserts[str(table)].append(row)
        else:
            _into_round(rounds, turn, str(table), row)
    for table, rows in inserts.items():
        sql = f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)"  # noqa: S608
        _expect(table, _count(await connection.execute(sql, rows_text(rows))), len(rows))
    for updates in rounds:
        for (table, columns), rows in updates.items():
            await _update_rows(connection, table, columns, rows)


def _into_round(
    rounds: list[dict[tuple[str, tuple[str, ...]], list[object]]], turn: dict[RowKey, int], table: str, row: Any
) -> None:
    key = (table, str(row["id"]))
    number = turn.get(key, 0)
    turn[key] = number + 1
    if number == len(rounds):
        rounds.append(defaultdict(list))
    columns = tuple(sorted(name for name in row if name != "id"))
    rounds[number][table, columns].append(row)


async def _update_rows(
    connection: asyncpg.Connection, table: str, columns: tuple[str, ...], rows: list[object]
) -> None:
    assignments = ", ".join(f"{name} = x.{name}" for name in columns)
    sql = (
        f"UPDATE {table} SET {assignments} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb) AS x "  # noqa: S608
        f"WHERE {table}.id = x.id AND {table}.version = x.version - 1"
    )
    _expect(table, _count(await connection.execute(sql, rows_text(rows))), len(rows))
