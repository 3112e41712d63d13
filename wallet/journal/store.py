"""What a batch writes: a few set-based statements whose affected rows are counted.

Balances are written as deltas, never as totals, so that the table's CHECKs stay a guard of their own. Every statement
says how many rows it must touch; any other number raises `BatchMismatch` and the whole batch is rolled back.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from wallet.errors import RememberedRefusal
from wallet.journal.arrays import columns, number_array, packed, text_array, text_columns
from wallet.journal.batch import Batch, Sealed
from wallet.journal.body import rows_text
from wallet.journal.change import Committed
from wallet.journal.head import BatchMismatch
from wallet.journal.judge import JudgedTransfer, OpenHold, RowKey, Totals
from wallet.journal.remembered import request_key
from wallet.vault.items import SealedItem

# Columns arrive as array literals (`arrays`); bytes packed into one, to be taken apart by place and length.
_WRITE_BOOKS = """
WITH j AS (
    INSERT INTO journal (seq, at, kind, actor, body, hash)
    SELECT seq, $2, kind, actor, substr($5::bytea, place, length), substr($6::bytea, ((seq - $29 - 1) * 32 + 1)::int, 32)
    FROM unnest($1::text::bigint[], $3::text::text[], $4::text::text[], $34::text::int[], $35::text::int[])
         AS x (seq, kind, actor, place, length) RETURNING 1
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
), b AS (
    INSERT INTO journal_batches (last_seq, first_seq, at, root, key, signature)
    VALUES ($27, $29::bigint + 1, $2, $31, $32, $33) RETURNING 1
)
SELECT (SELECT count(*) FROM j), (SELECT count(*) FROM t), (SELECT count(*) FROM a), (SELECT count(*) FROM v),
       (SELECT count(*) FROM h), (SELECT count(*) FROM b)
"""
_WRITTEN = ("journal", "transfers", "accounts", "viewers", "head", "batch")
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
SELECT $1::date, owner, operation, key, substr($5::bytea, place, length), seq, refusal
FROM unnest($2::text::text[], $3::text::text[], $4::text::text[], $6::text::bigint[], $7::text::jsonb[], $8::text::int[],
            $9::text::int[]) AS x (owner, operation, key, seq, refusal, place, length)
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


async def write_batch(connection: asyncpg.Connection, batch: Batch) -> None:
    """Raises `BatchMismatch` where the database does not do what was judged."""
    if batch.answers:
        await _write_answers(connection, batch)
    if not batch.sealed:
        return
    await _write_books(connection, batch)
    await _write_holds(connection, batch.holds_before, batch.known.holds)
    await _write_rows(connection, batch.sealed)
    items = [item for s in batch.sealed for item in s.change.vault]
    if items:
        await _write_vault(connection, items)


async def _write_books(connection: asyncpg.Connection, batch: Batch) -> None:
    """Journal rows, transfers, balances, viewers, the head and the batch itself, in one statement; new accounts in one more."""
    sealed, before, signed = batch.sealed, batch.totals_before, batch.sealing.signed
    changed = [(name, before.get(name), after) for name, after in batch.known.totals.items()]
    opened = [_delta_row(name, Totals(), after) for name, old, after in changed if old is None]
    moved = [_delta_row(name, old, after) for name, old, after in changed if old is not None and old is not after]
    transfers = [_transfer_row(s.seq, n, judged) for s in sealed for n, judged in enumerate(s.judged)]
    viewers = [(viewer, s.seq) for s in sealed for viewer in dict.fromkeys(s.change.viewers)]
    last = sealed[-1]
    bodies, places, lengths = packed([s.body for s in sealed])
    counts = await connection.fetchrow(
        _WRITE_BOOKS,
        number_array([s.seq for s in sealed]),
        batch.at,
        text_array([s.change.kind.value for s in sealed]),
        text_array([s.change.actor for s in sealed]),
        bodies,
        b"".join([s.hash for s in sealed]),
        *_transfer_columns(transfers),
        *_delta_columns(moved),
        text_array([viewer for viewer, _ in viewers]),
        number_array([seq for _, seq in viewers]),
        last.seq,
        last.hash,
        batch.before.seq,
        batch.before.hash,
        signed and signed.tree.root,
        signed and signed.key,
        signed and signed.signature,
        places,
        lengths,
    )
    wanted = (len(sealed), len(transfers), len(moved), len(viewers), 1, 1)
    for what, found, number in zip(_WRITTEN, tuple(counts or ()), wanted, strict=True):
        _expect(what, found, number)
    if opened:
        done = await connection.execute(_NEW_ACCOUNTS, *_delta_columns(opened))
        _expect("new accounts", _count(done), len(opened))


def _transfer_columns(rows: Sequence[tuple[int, int, *tuple[str | None, ...]]]) -> list[str]:
    seq, ordinal, *texts = columns(rows, 12)
    return [number_array(seq), number_array(ordinal), *map(text_array, texts)]


def _delta_columns(rows: Sequence[tuple[str, str, str, str, str, int]]) -> list[str]:
    *texts, flags = columns(rows, 6)
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


async def _write_holds(
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
        _expect("new holds", _count(await connection.execute(_NEW_HOLDS, *columns(new, 6))), len(new))
    if followed:
        _expect("holds", _count(await connection.execute(_HOLDS_FOLLOWED, *columns(followed, 2))), len(followed))


async def _write_answers(connection: asyncpg.Connection, batch: Batch) -> None:
    """Remember how these requests ended. What an accepted one is told lies in its journal row and nowhere else."""
    answers = batch.answers
    keys = text_columns([request_key(request) for request, _ in answers], 3)
    digests, starts, lengths = packed([request.digest for request, _ in answers])
    places = text_array([str(end.seq) if isinstance(end, Committed) else None for _, end in answers])
    refusals = text_array([None if isinstance(end, Committed) else _refusal_text(end) for _, end in answers])
    done = await connection.execute(_ANSWERS, batch.at.date(), *keys, digests, places, refusals, starts, lengths)
    _expect("requests", _count(done), len(answers))


def _refusal_text(refusal: RememberedRefusal) -> str:
    return json.dumps([refusal.stable_code, refusal.message, refusal.detail])


async def _write_vault(connection: asyncpg.Connection, items: Sequence[SealedItem]) -> None:
    rows = [(i.id, i.person, i.kind.value, i.commitment, i.ciphertext) for i in items]
    _expect("vault items", _count(await connection.execute(_VAULT, *columns(rows, 5))), len(rows))


async def _write_rows(connection: asyncpg.Connection, sealed: Sequence[Sealed]) -> None:
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
        for (table, names), rows in updates.items():
            await _update_rows(connection, table, names, rows)


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


async def _update_rows(connection: asyncpg.Connection, table: str, names: tuple[str, ...], rows: list[object]) -> None:
    assignments = ", ".join(f"{name} = x.{name}" for name in names)
    sql = (
        f"UPDATE {table} SET {assignments} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb) AS x "  # noqa: S608
        f"WHERE {table}.id = x.id AND {table}.version = x.version - 1"
    )
    _expect(table, _count(await connection.execute(sql, rows_text(rows))), len(rows))
