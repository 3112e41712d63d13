"""What a batch needs to know before it can be judged: a few look-ups by key, for all of its Changes at once.

What the image knows is not asked again. Where the database may not show the last batch yet, what that batch did stands
over what was read (`Image.last`).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

import asyncpg

from wallet.errors import RememberedRefusal
from wallet.journal.arrays import text_array
from wallet.journal.body import decode_body, result_of
from wallet.journal.change import Change, Committed, Insert, Request
from wallet.journal.head import BatchMismatch
from wallet.journal.image import Image
from wallet.journal.judge import Known, OpenHold, RowKey, Totals, UniqueKey, unique_keys
from wallet.journal.remembered import Remembered, RequestKey
from wallet.schema import DRAWN_IDS, ROWS

# No answer is of a later day than the head: that spares a look into the partitions of days to come.
_REQUESTS = """
SELECT r.owner, r.operation, r.key, r.digest, r.seq, r.refusal, j.at, j.body FROM requests r
JOIN unnest($1::text::text[], $2::text::text[], $3::text::text[]) AS k (owner, operation, key) USING (owner, operation, key)
LEFT JOIN journal j ON j.seq = r.seq
WHERE r.day <= $4::date
"""
# A join, not `= ANY`: a hash index tells the hash alone, and each row found would be compared with every id that was asked.
TOTALS = """
SELECT a.id, debits_pending::text, debits_posted::text, credits_pending::text, credits_posted::text, flags
FROM unnest($1::text::text[]) AS k (id) JOIN accounts a USING (id)
"""
_HOLDS = "SELECT id, debit, credit, asset, units::text, remaining::text FROM holds WHERE id = ANY ($1::text[])"


async def find_answers(
    connection: asyncpg.Connection, requests: Sequence[Request], day_last: date
) -> dict[RequestKey, Remembered]:
    """What these requests were answered, those of them that were, up to that day."""
    owners, operations = text_array([r.owner for r in requests]), text_array([r.operation for r in requests])
    rows = await connection.fetch(_REQUESTS, owners, operations, text_array([r.key for r in requests]), day_last)
    return {(row["owner"], row["operation"], row["key"]): _read_answer(row) for row in rows}


def _read_answer(row: asyncpg.Record) -> Remembered:
    if row["refusal"] is not None:
        return Remembered(bytes(row["digest"]), RememberedRefusal(*json.loads(row["refusal"])))
    if row["body"] is None:
        raise BatchMismatch(f"journal row {row['seq']}, which a request was answered with, is missing")
    result = result_of(decode_body(bytes(row["body"])))
    return Remembered(bytes(row["digest"]), Committed(row["seq"], row["at"], result))


async def load_known(connection: asyncpg.Connection, changes: Sequence[Change], image: Image) -> Known:
    """Everything that judging these Changes needs. Values only: the image may move on meanwhile."""
    known = Known()
    await _load_accounts(connection, changes, image, known)
    await _load_holds(connection, changes, image, known)
    await _load_versions(connection, changes, image, known)
    await _load_taken(connection, changes, image, known)
    return known


async def _load_accounts(connection: asyncpg.Connection, changes: Sequence[Change], image: Image, known: Known) -> None:
    remembered, missing = image.totals, []
    for name in _touched(changes):
        totals = remembered.get(name)
        if totals is not None:
            known.totals[name] = totals
        else:
            missing.append(name)
    if missing:
        known.totals |= await load_totals(connection, missing)


def _touched(changes: Sequence[Change]) -> set[str]:
    names: set[str] = set()
    for change in changes:
        for transfer in change.entry:
            names.add(transfer.debit.id)
            names.add(transfer.credit.id)
            if transfer.otherwise is not None:
                names.add(transfer.otherwise.id)
        if change.flags or change.ceilings or change.empty:  # as in hardly any
            names.update([flag_change.account.id for flag_change in change.flags])
            names.update([place.id for ceiling in change.ceilings for place in ceiling.places])
            names.update([account.id for account in change.empty])
    return names


async def _load_holds(connection: asyncpg.Connection, changes: Sequence[Change], image: Image, known: Known) -> None:
    names = list({t.hold for change in changes for t in change.entry if t.hold is not None})
    if names:
        rows = await connection.fetch(_HOLDS, names)
        known.holds = {r[0]: OpenHold(r[1], r[2], r[3], int(r[4]), int(r[5])) for r in rows}
        known.holds |= {name: image.last.holds[name] for name in names if name in image.last.holds}


async def load_totals(connection: asyncpg.Connection, names: Sequence[str]) -> dict[str, Totals]:
    rows = await connection.fetch(TOTALS, text_array(names))
    return {r[0]: Totals(int(r[1]), int(r[2]), int(r[3]), int(r[4]), r[5]) for r in rows}


def required_rows(changes: Iterable[Change]) -> set[RowKey]:
    return {(need.table, need.id) for change in changes for need in change.requires}


def _written_rows(changes: Iterable[Change]) -> tuple[set[RowKey], set[RowKey]]:
    """Of those that are written: whose version must be looked up, and those that are new beyond doubt."""
    asked: set[RowKey] = set()
    drawn: set[RowKey] = set()
    for change in changes:
        for write in change.writes:
            if isinstance(write, Insert):
                (drawn if write.table in DRAWN_IDS else asked).add((write.table, str(write.row["id"])))
            else:
                asked.add((write.table, write.id))
    return asked, drawn


async def _load_versions(connection: asyncpg.Connection, changes: Sequence[Change], image: Image, known: Known) -> None:
    """An id that was drawn at random is not looked up: if it is taken all the same, the database refuses the whole batch, and
    of each Change alone it is looked up."""
    by_table: dict[str, list[str]] = defaultdict(list)
    asked, drawn = _written_rows(changes)
    if len(changes) == 1:
        asked |= drawn
    else:
        known.versions = dict.fromkeys(drawn)
    for key in asked | required_rows(changes):
        version = image.versions.get(key)
        known.versions[key] = version
        if version is None:
            by_table[key[0]].append(key[1])
    for table, ids in by_table.items():
        sql = f"SELECT id, version FROM {ROWS[table].name} WHERE id = ANY ($1::text::text[])"  # noqa: S608 (our own table names)
        for row in await connection.fetch(sql, text_array(ids)):
            known.versions[table, row["id"]] = row["version"]
    known.versions |= {key: image.last.versions[key] for key in known.versions if key in image.last.versions}


async def _load_taken(connection: asyncpg.Connection, changes: Iterable[Change], image: Image, known: Known) -> None:
    claims: dict[tuple[str, tuple[str, ...]], list[UniqueKey]] = defaultdict(list)
    for change in changes:
        for write in change.writes:
            if isinstance(write, Insert):
                for claim in unique_keys(write):
                    claims[claim[0], claim[1]].append(claim)
    for (table, columns), keys in claims.items():
        known.taken |= await _taken(connection, table, columns, keys)
        known.taken.update([key for key in keys if key in image.last.taken])


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
