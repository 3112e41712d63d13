"""The tables beside the replayed journal: as blocks of bytes first, and row by row where a block differs.

Each comparison orders both sides by the bytes of a key and compares digests. The closer look names the first bad row; it
also decides where two spellings of the same values differ.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice, zip_longest
from typing import Any, NoReturn

import asyncpg
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB

from wallet.journal.body import wire_row
from wallet.journal.chain import microseconds
from wallet.proofs.broken import BooksBroken
from wallet.proofs.copied import TRANSFER_COLUMNS, copy_digest
from wallet.proofs.replay import COLUMNS, Replay, is_clear, row_values
from wallet.proofs.seals import Told, answer_line, day_of, read_outside, read_request, viewer_line, viewer_lines
from wallet.proofs.source import JournalBlock
from wallet.schema import ROWS, Units, written_columns

BLOCK = 5_000  # rows that a closer look reads at a time
SLICE = 500  # lines digested between two looks at what the server has sent

_ACCOUNTS = (
    "SELECT id, owner, code, asset, debits_pending, debits_posted, credits_pending, credits_posted, flags"
    ' FROM accounts ORDER BY id COLLATE "C"'
)
_HOLDS = 'SELECT id, debit, credit, asset, units, remaining FROM holds ORDER BY id COLLATE "C"'
_VAULT = "SELECT id, person, kind, encode(commitment, 'hex') FROM vault_items ORDER BY id COLLATE \"C\""
_ANSWERS = (
    "SELECT seq, day - DATE '1970-01-01', owner, operation, key, encode(digest, 'hex') FROM requests"
    " WHERE seq IS NOT NULL AND day {days}"
    ' ORDER BY seq, owner COLLATE "C", operation COLLATE "C", key COLLATE "C"'
)
_DAYS = (
    "SELECT pg_get_expr(part.relpartbound, part.oid) FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid"
    " WHERE inhparent = 'requests'::regclass"
)
_DAY = re.compile(r"FOR VALUES FROM \('(\d{4}-\d\d-\d\d)'\) TO \('(\d{4}-\d\d-\d\d)'\)", re.ASCII)
_EPOCH = date(1970, 1, 1)
_VIEWERS = 'SELECT seq, viewer FROM journal_viewers ORDER BY seq, viewer COLLATE "C"'


async def name_bad_transfer(
    connection: asyncpg.Connection, lines: Sequence[str], block: JournalBlock, upto: int
) -> None:
    """`lines` are what the journal says of the block's rows up to `upto`. Raises `BooksBroken` for the first that differs."""
    if block.archived is not None:
        _name_archived(lines, block)
    told: dict[int, list[str]] = {}
    for line in lines:
        told.setdefault(int(line.partition("\t")[0]), []).append(line)
    stored: dict[int, list[asyncpg.Record]] = {}
    for record in await connection.fetch(_TRANSFERS, block.after, upto):
        stored.setdefault(record["seq"], []).append(record)
    for seq in sorted({*told, *stored}):
        if seq <= upto:
            _compare_entry(seq, told.get(seq, []), stored.get(seq, []))


def _name_archived(lines: Sequence[str], block: JournalBlock) -> NoReturn:
    stored = block.transfers.splitlines(keepends=True)
    for line, found in zip_longest(lines, stored):
        if line != found:
            seq = str(line or found).partition("\t")[0]
            raise BooksBroken(f"{block.archived}: the transfers of journal row {seq} differ from the journal")
    raise BooksBroken(f"{block.archived}: a transfer has a name that no account, asset or hold can have")


_TRANSFERS = (
    "SELECT seq, ordinal, move, debit_account, credit_account, asset, units::text, hold, debit_posted_after::text,"
    " debit_held_after::text, credit_posted_after::text, credit_held_after::text"
    " FROM transfers WHERE seq > $1 AND seq <= $2 ORDER BY seq, ordinal"
)
_PLAIN = 8  # of a transfer's columns, how many stand before the balances after it


def _compare_entry(seq: int, told: Sequence[str], stored: Sequence[asyncpg.Record]) -> None:
    name = f"journal row {seq}"
    if len(told) != len(stored):
        raise BooksBroken(f"{name}: {len(told)} transfers in the journal, {len(stored)} in the table")
    for ordinal, (line, record) in enumerate(zip(told, stored, strict=True)):
        if not is_clear(line, 1, TRANSFER_COLUMNS):
            raise BooksBroken(f"transfer {ordinal} of {name} has a name that no account, asset or hold can have")
        wanted = line.removesuffix("\n").split("\t")
        found = ["" if value is None else str(value) for value in record]
        if found[:_PLAIN] != wanted[:_PLAIN]:
            raise BooksBroken(f"transfer {ordinal} of {name} differs from the journal")
        if found != wanted:
            raise BooksBroken(f"transfer {ordinal} of {name}: the balances after it differ from the journal's")


async def compare_ends(connection: asyncpg.Connection, replay: Replay, sealed: Told, archived: int, seq: int) -> None:
    """At `seq`, with the rows up to `archived` in files. All tables but the journal and its transfers. Raises `BooksBroken`."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    await _compare_accounts(connection, replay)
    await _compare_holds(connection, replay)
    for table in ROWS:
        await _compare_rows(connection, table, replay.rows[table])
    await _compare_vault(connection, replay)
    await _compare_answers(connection, sealed, archived, seq, forgotten_before(replay))
    for table in ("journal", "transfers"):
        stray = f"SELECT seq FROM {table} WHERE seq < 1 OR seq > $1 ORDER BY seq LIMIT 1"  # noqa: S608 (our own table names)
        found = await connection.fetchval(stray, seq)
        if found is not None:
            raise BooksBroken(f"{table} has a row of seq {found}, and the journal runs from 1 to {seq}")


async def _agrees(connection: asyncpg.Connection, sql: str, lines: Iterable[str], columns: int) -> bool:
    """Whether COPY writes just these lines. The server writes while we do."""
    copying = asyncio.create_task(copy_digest(connection, sql))
    digest, clear = hashlib.sha256(), True
    for block in _blocks(lines, SLICE):
        await asyncio.sleep(0)
        text = "".join(block)
        clear = clear and is_clear(text, len(block), columns)
        digest.update(text.encode())
    return await copying == digest.digest() and clear


def _blocks(lines: Iterable[str], size: int) -> Iterator[list[str]]:
    following = iter(lines)
    while block := list(islice(following, size)):
        yield block


async def _cursor(connection: asyncpg.Connection, sql: str) -> AsyncIterator[asyncpg.Record]:
    async for record in connection.cursor(sql, prefetch=BLOCK):
        yield record


# ── balances ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _compare_accounts(connection: asyncpg.Connection, replay: Replay) -> None:
    if not await _agrees(connection, _ACCOUNTS, _account_lines(replay), 9):
        await _name_bad_account(connection, replay)
    sums: dict[str, int] = {}
    for account, totals in replay.totals.items():
        asset = account.rpartition(":")[2]
        sums[asset] = sums.get(asset, 0) + totals[3] - totals[1]
    for asset, total in sums.items():
        if total != 0:
            raise BooksBroken(f"{asset}: all accounts together come to {total} base units instead of 0")


def _account_lines(replay: Replay) -> Iterator[str]:
    for account in sorted(replay.totals):
        dp, d, cp, c = replay.totals[account]
        parts = account.replace(":", "\t")
        yield f"{account}\t{parts}\t{dp}\t{d}\t{cp}\t{c}\t{replay.flags_of(account)}\n"


async def _name_bad_account(connection: asyncpg.Connection, replay: Replay) -> None:
    wanted = dict(replay.totals)
    async for record in _cursor(connection, _ACCOUNTS):
        account = record["id"]
        told = wanted.pop(account, None)
        if told is None or [str(record[name]) for name in _TOTAL_COLUMNS] != list(map(str, told)):
            raise BooksBroken(f"account {account}: its balance differs from the journal's")
        if record["flags"] != replay.flags_of(account):
            raise BooksBroken(f"account {account}: its flags differ from the journal's")
        if (record["owner"], record["code"], record["asset"]) != tuple(account.split(":")):
            raise BooksBroken(f"account {account}: owner, code or asset differ from its id")
    if wanted:
        raise BooksBroken(f"account {min(wanted)} is missing")


_TOTAL_COLUMNS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


async def _compare_holds(connection: asyncpg.Connection, replay: Replay) -> None:
    lines = ("\t".join((hold, *map(str, replay.holds[hold]))) + "\n" for hold in sorted(replay.holds))
    if not await _agrees(connection, _HOLDS, lines, 6):
        told = {hold: list(map(str, kept)) for hold, kept in replay.holds.items()}
        await _name_bad(connection, _HOLDS, told, "hold")


async def _compare_vault(connection: asyncpg.Connection, replay: Replay) -> None:
    lines = ("\t".join((item, *replay.vault[item])) + "\n" for item in sorted(replay.vault))
    if not await _agrees(connection, _VAULT, lines, 4):
        await _name_bad(connection, _VAULT, {item: list(told) for item, told in replay.vault.items()}, "vault item")


async def _name_bad(connection: asyncpg.Connection, sql: str, wanted: dict[str, list[str]], what: str) -> None:
    async for record in _cursor(connection, sql):
        if list(map(str, record[1:])) != wanted.pop(record[0], None):
            raise BooksBroken(f"{what} {record[0]} differs from the journal")
    if wanted:
        raise BooksBroken(f"{what} {min(wanted)} is missing")


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _compare_rows(connection: asyncpg.Connection, table: str, rows: dict[str, bytes]) -> None:
    columns = written_columns(ROWS[table])
    if not any(isinstance(column.type, JSONB) for column in columns):  # the database keeps another order of keys
        whole = " || ',' || ".join(f"coalesce({_as_json(column)}, 'null')" for column in columns)
        sql = f"SELECT '[' || {whole} || ']' FROM {table} ORDER BY id COLLATE \"C\""  # noqa: S608 (our own names)
        lines = (rows[row_id].decode().replace("\\", "\\\\") + "\n" for row_id in sorted(rows))
        if await _agrees_escaped(connection, sql, lines):
            return
    await _name_bad_row(connection, table, rows)


async def _agrees_escaped(connection: asyncpg.Connection, sql: str, lines: Iterable[str]) -> bool:
    """For one column of JSON, in which nothing but the backslash needs care: no text in JSON has a raw line end or tab."""
    copying = asyncio.create_task(copy_digest(connection, sql))
    digest = hashlib.sha256()
    for block in _blocks(lines, SLICE):
        await asyncio.sleep(0)
        digest.update("".join(block).encode())
    return await copying == digest.digest()


def _as_json(column: Column[Any]) -> str:
    """As the canonical body spells a value of this column (`body.wire_row`)."""
    name = column.name
    if isinstance(column.type, Units):
        return f"'\"' || {name} || '\"'"
    if isinstance(column.type, DateTime):
        return f"'\"' || to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00\"'"
    if isinstance(column.type, Integer | BigInteger | SmallInteger | Boolean):
        return f"{name}::text"
    return f"to_json({name})::text"


async def _name_bad_row(connection: asyncpg.Connection, table: str, rows: dict[str, bytes]) -> None:
    wanted = dict(rows)
    names = ", ".join(f'"{name}"' for name in COLUMNS[table])
    async for record in _cursor(connection, f'SELECT {names} FROM {table} ORDER BY id COLLATE "C"'):  # noqa: S608 (our own names)
        told = wanted.pop(record["id"], None)
        try:
            found = wire_row(table, dict(record))
        except (ValueError, OverflowError):  # a number that is none, which no journal can tell of
            found = {}
        if told is None or found != row_values(table, told):
            raise BooksBroken(f"{table} {record['id']} differs from the journal")
    if wanted:
        raise BooksBroken(f"{table} {min(wanted)} is missing")


# ── answers and viewers ──────────────────────────────────────────────────────────────────────────────────────────────


def forgotten_before(replay: Replay) -> int:
    """The first day whose requests are still remembered, as the journal tells it; counted from 1970-01-01."""
    line = replay.rows["retentions"].get("requests")
    if line is None:
        return 0
    return (datetime.fromisoformat(row_values("retentions", line)["forgotten_before"]).date() - _EPOCH).days


async def _compare_answers(
    connection: asyncpg.Connection, sealed: Told, archived: int, seq: int, first_day: int
) -> None:
    """Without its row an accepted request would be done again by a retry. Refusals are in no journal and are not compared;
    nor are days that are forgotten, whose rows may be there yet."""
    for day in sorted({*sealed.answered, *await _days(connection)}):
        if day < first_day:
            continue
        wanted = sealed.answered.get(day, hashlib.sha256().digest())
        if wanted != await copy_digest(connection, _ANSWERS.format(days=f"= '{_EPOCH + timedelta(days=day)}'")):
            remembered = _ANSWERS.format(days=f">= '{_EPOCH + timedelta(days=first_day)}'")
            await _name_bad_answer(connection, "requests", remembered, archived, seq, first_day)
            break
    if sealed.seen != await copy_digest(connection, _VIEWERS):
        await _name_bad_answer(connection, "journal_viewers", _VIEWERS, archived, seq)


async def _days(connection: asyncpg.Connection) -> set[int]:
    """All for which the table of requests has room."""
    days: set[int] = set()
    for record in await connection.fetch(_DAYS):
        found = _DAY.fullmatch(record[0])
        if found is None:
            raise BooksBroken(f"requests has a part that is not of days: {record[0]}")
        first, end = [(date.fromisoformat(text) - _EPOCH).days for text in found.groups()]
        days.update(range(first, end))
    return days


async def _name_bad_answer(
    connection: asyncpg.Connection, table: str, sql: str, archived: int, seq: int, first_day: int = 0
) -> None:
    """The journal once more, beside the table in the same order."""
    if archived:
        raise BooksBroken(f"{table} differ from the journal")
    told, found = _told_lines(connection, table, seq, first_day), _cursor(connection, sql)
    while True:
        line, record = await anext(told, None), await anext(found, None)
        if line is None and record is None:
            return
        stored = None if record is None else _stored_line(table, record)
        if line != stored:
            places = [int(text.partition("\t")[0]) for text in (line, stored) if text is not None]
            raise BooksBroken(f"{table} differ from the journal at journal row {min(places)}")


async def _told_lines(connection: asyncpg.Connection, table: str, upto: int, first_day: int) -> AsyncIterator[str]:
    for after in range(0, upto, BLOCK):
        bodies = "SELECT seq, at, body FROM journal WHERE seq > $1 AND seq <= $2 ORDER BY seq"
        for seq, at, record in await connection.fetch(bodies, after, min(after + BLOCK, upto)):
            body = read_outside(record)
            request = read_request(body.request)
            if table == "journal_viewers":
                for line in viewer_lines(seq, body):
                    yield line
            elif request is not None and (day := day_of(microseconds(at))) >= first_day:
                yield answer_line(seq, day, request)


def _stored_line(table: str, record: asyncpg.Record) -> str:
    if table == "journal_viewers":
        return viewer_line(record[0], record[1])
    seq, day, *request = record
    return answer_line(seq, day, (request[0], request[1], request[2], request[3]))
