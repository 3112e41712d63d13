"""Proving the books: replay the journal and compare the chain, the transfers, the balances, the holds and every row.

Reads in chunks up to a sequence fixed at the start, so that no long snapshot slows the running node. Names the first bad
place in words. What it needs is the journal itself: everything else must follow from it, bit for bit.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from wallet.journal.body import decode_body, wire_row
from wallet.journal.chain import GENESIS, link
from wallet.ledger.accounts import HOUSE, Account, Flags
from wallet.money import Asset
from wallet.schema import ROWS

CHUNK = 5_000  # journal rows read at a time: a few megabytes, tens of milliseconds

Progress = Callable[[int, int], None]


class BooksBroken(Exception):
    """The first place where the database does not say what the journal says."""


@dataclass(frozen=True, slots=True)
class Proof:
    """`head` is the hash that seals everything up to `seq`: two proofs with the same head speak of the same books."""

    seq: int
    head: str
    transfers: int
    accounts: int
    rows: int


@dataclass(slots=True)
class _Replay:
    """The books as the journal tells them: per account [debits pending, debits posted, credits pending, credits posted]."""

    totals: dict[str, list[int]] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    holds: dict[str, list[Any]] = field(default_factory=dict)
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in ROWS})
    vault: dict[str, list[str]] = field(default_factory=dict)
    transfers: int = 0
    at: datetime | None = None
    answered: int = 0  # fingerprints of the accepted requests, added up: the same in any order
    viewers: int = 0  # and of who may see what


async def verify(connection: asyncpg.Connection, progress: Progress | None = None) -> Proof:
    """Raises `BooksBroken`. The comparison of tables runs in one short read of each; on a busy node it is repeated on what
    was committed meanwhile, so that a running node can be verified."""
    replay, seq, previous = _Replay(), 0, GENESIS
    while True:
        target = await connection.fetchval("SELECT seq FROM journal_head")
        seq, previous = await _replay_to(connection, replay, seq, previous, target or 0, progress)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            head = await connection.fetchrow("SELECT seq, hash, at FROM journal_head")
            if head is None:
                raise BooksBroken("journal_head is empty")
            if head["seq"] - seq > CHUNK:
                continue
            seq, previous = await _replay_to(connection, replay, seq, previous, head["seq"], progress)
            if bytes(head["hash"]) != previous:
                raise BooksBroken(f"the head's hash is not the hash of journal row {seq}")
            await _compare_ends(connection, replay, seq)
            if replay.at is not None and head["at"] != replay.at:
                raise BooksBroken(f"the head's time is not the time of journal row {seq}")
            break
    rows = sum(len(rows) for rows in replay.rows.values())
    return Proof(seq, previous.hex(), replay.transfers, len(replay.totals), rows)


async def _replay_to(
    connection: asyncpg.Connection, replay: _Replay, seq: int, previous: bytes, target: int, progress: Progress | None
) -> tuple[int, bytes]:
    while seq < target:
        upto = min(seq + CHUNK, target)
        records = await connection.fetch(
            "SELECT seq, at, kind, actor, body, hash FROM journal WHERE seq > $1 AND seq <= $2 ORDER BY seq", seq, upto
        )
        stored = await _stored_transfers(connection, seq, upto)
        for record in records:
            previous = _check_row(replay, seq, previous, record, stored.pop(record["seq"], []))
            seq = record["seq"]
        if seq != upto:
            raise BooksBroken(f"journal row {seq + 1} is missing")
        if stored:
            raise BooksBroken(f"transfers of seq {min(stored)} have no journal row")
        if progress is not None:
            progress(seq, target)
    return seq, previous


async def _stored_transfers(connection: asyncpg.Connection, after: int, upto: int) -> dict[int, list[asyncpg.Record]]:
    found: dict[int, list[asyncpg.Record]] = {}
    records = await connection.fetch(
        "SELECT seq, move, debit_account, credit_account, asset, units::text, hold, debit_posted_after::text,"
        " debit_held_after::text, credit_posted_after::text, credit_held_after::text, ordinal"
        " FROM transfers WHERE seq > $1 AND seq <= $2 ORDER BY seq, ordinal",
        after,
        upto,
    )
    for record in records:
        found.setdefault(record["seq"], []).append(record)
    return found


def _check_row(
    replay: _Replay, seq: int, previous: bytes, record: asyncpg.Record, stored: list[asyncpg.Record]
) -> bytes:
    name = f"journal row {seq + 1}"
    if record["seq"] != seq + 1:
        raise BooksBroken(f"{name} is missing: the next is {record['seq']}")
    body_bytes = bytes(record["body"])
    digest = link(previous, record["seq"], record["at"], body_bytes)
    if digest != bytes(record["hash"]):
        raise BooksBroken(f"{name} does not match its hash: it, its time or its place was changed")
    body = decode_body(body_bytes)
    if (body["kind"], body["actor"]) != (record["kind"], record["actor"]):
        raise BooksBroken(f"{name}: kind or actor differ from the sealed body")
    if len(stored) != len(body["entry"]):
        raise BooksBroken(f"{name}: {len(body['entry'])} transfers in the journal, {len(stored)} in the table")
    for ordinal, (wire, row) in enumerate(zip(body["entry"], stored, strict=True)):
        _apply_transfer(replay, wire, row, f"transfer {ordinal} of {name}", ordinal)
    for write in body["writes"]:
        _apply_write(replay, write, name)
    for account, flags in body["flags"]:
        replay.totals.setdefault(account, [0, 0, 0, 0])
        replay.flags[account] = flags
    for item, person, kind, commitment in body["vault"]:
        replay.vault[item] = [person, kind, commitment]
    replay.at = record["at"]
    _take_answer(replay, record["seq"], body)
    return digest


def _take_answer(replay: _Replay, seq: int, body: dict[str, Any]) -> None:
    if body["request"] is not None:
        replay.answered += _fingerprint(seq, *body["request"])
    for viewer in dict.fromkeys(body["viewers"]):
        replay.viewers += _fingerprint(seq, viewer)


def _fingerprint(seq: int, *texts: str) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps([seq, *texts]).encode()).digest())


def _apply_transfer(replay: _Replay, wire: list[Any], row: asyncpg.Record, name: str, ordinal: int) -> None:
    move, debit, credit, asset, units_text, hold = wire
    units = int(units_text)
    one, two = replay.totals.setdefault(debit, [0, 0, 0, 0]), replay.totals.setdefault(credit, [0, 0, 0, 0])
    pending = {"post": 0, "hold": units, "settle": -units, "void": -units}[move]
    posted = units if move in {"post", "settle"} else 0
    one[0], one[1], two[2], two[3] = one[0] + pending, one[1] + posted, two[2] + pending, two[3] + posted
    if hold is not None:
        kept = replay.holds.setdefault(hold, [debit, credit, asset, units, 0])
        kept[4] += pending
    replay.transfers += 1
    after = [str(one[3] - one[1]), str(one[0]), str(two[3] - two[1]), str(two[0])]
    told = [row["debit_posted_after"], row["debit_held_after"], row["credit_posted_after"], row["credit_held_after"]]
    plain = ["move", "debit_account", "credit_account", "asset", "units", "hold", "ordinal"]
    if [row[column] for column in plain] != [*wire, ordinal]:
        raise BooksBroken(f"{name} differs from the journal")
    if told != after:
        raise BooksBroken(f"{name}: the balances after it differ from the journal's")


def _apply_write(replay: _Replay, write: list[Any], name: str) -> None:
    verb, table, row = write
    rows = replay.rows[table]
    if verb == "insert":
        if row["id"] in rows:
            raise BooksBroken(f"{name} inserts {table} {row['id']} a second time")
        rows[row["id"]] = dict(row)
        return
    if row["id"] not in rows or rows[row["id"]]["version"] != row["version"] - 1:
        raise BooksBroken(f"{name} updates {table} {row['id']} out of order")
    rows[row["id"]].update(row)


# ── the tables at the end of the replay ──────────────────────────────────────────────────────────────────────────────


async def _compare_ends(connection: asyncpg.Connection, replay: _Replay, seq: int) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    await _compare_accounts(connection, replay)
    await _compare_holds(connection, replay)
    for table in ROWS:
        await _compare_rows(connection, table, replay.rows[table])
    await _compare_vault(connection, replay)
    await _compare_answers(connection, replay)
    for table in ("journal", "transfers"):
        stray = f"SELECT seq FROM {table} WHERE seq < 1 OR seq > $1 ORDER BY seq LIMIT 1"  # noqa: S608 (our own table names)
        found = await connection.fetchval(stray, seq)
        if found is not None:
            raise BooksBroken(f"{table} has a row of seq {found}, and the journal runs from 1 to {seq}")


async def _compare_accounts(connection: asyncpg.Connection, replay: _Replay) -> None:
    wanted = dict(replay.totals)
    sums: dict[str, int] = {}
    async for record in _cursor(connection, "SELECT * FROM accounts ORDER BY id"):
        account = record["id"]
        found = [int(record[name]) for name in _TOTAL_COLUMNS]
        if found != wanted.pop(account, None):
            raise BooksBroken(f"account {account}: its balance differs from the journal's")
        if record["flags"] != replay.flags.get(account, _opening_flags(account)):
            raise BooksBroken(f"account {account}: its flags differ from the journal's")
        if (record["owner"], record["code"], record["asset"]) != tuple(account.split(":")):
            raise BooksBroken(f"account {account}: owner, code or asset differ from its id")
        sums[record["asset"]] = sums.get(record["asset"], 0) + found[3] - found[1]
    if wanted:
        raise BooksBroken(f"account {min(wanted)} is missing")
    for asset, total in sums.items():
        if total != 0:
            raise BooksBroken(f"{asset}: all accounts together come to {total} base units instead of 0")


_TOTAL_COLUMNS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


def _opening_flags(account: str) -> Flags:
    owner, code, symbol = account.split(":")
    return Account(owner or HOUSE, code, Asset(symbol, 0)).opening_flags


async def _compare_holds(connection: asyncpg.Connection, replay: _Replay) -> None:
    wanted = dict(replay.holds)
    async for record in _cursor(connection, "SELECT * FROM holds ORDER BY id"):
        found = [record["debit"], record["credit"], record["asset"], int(record["units"]), int(record["remaining"])]
        if found != wanted.pop(record["id"], None):
            raise BooksBroken(f"hold {record['id']} differs from the journal")
    if wanted:
        raise BooksBroken(f"hold {min(wanted)} is missing")


async def _compare_rows(connection: asyncpg.Connection, table: str, rows: Mapping[str, dict[str, Any]]) -> None:
    wanted = dict(rows)
    async for record in _cursor(connection, f"SELECT * FROM {table} ORDER BY id"):  # noqa: S608 (our own table names)
        found = wire_row(table, dict(record))
        told = wanted.pop(record["id"], None)
        if told is None or found != {name: told.get(name) for name in found}:
            raise BooksBroken(f"{table} {record['id']} differs from the journal")
    if wanted:
        raise BooksBroken(f"{table} {min(wanted)} is missing")


async def _compare_vault(connection: asyncpg.Connection, replay: _Replay) -> None:
    wanted = dict(replay.vault)
    async for record in _cursor(connection, "SELECT id, person, kind, commitment FROM vault_items ORDER BY id"):
        found = [record["person"], record["kind"], bytes(record["commitment"]).hex()]
        if found != wanted.pop(record["id"], None):
            raise BooksBroken(f"vault item {record['id']} differs from the journal")
    if wanted:
        raise BooksBroken(f"vault item {min(wanted)} is missing")


async def _compare_answers(connection: asyncpg.Connection, replay: _Replay) -> None:
    """Without its row an accepted request would be done again by a retry. Refusals are in no journal and are not compared."""
    answered, viewers = 0, 0
    accepted = "SELECT seq, owner, operation, key, digest FROM requests WHERE seq IS NOT NULL"
    async for record in _cursor(connection, accepted):
        answered += _fingerprint(*record[:4], bytes(record["digest"]).hex())
    if answered != replay.answered:
        raise BooksBroken("requests differ from the journal")
    async for record in _cursor(connection, "SELECT seq, viewer FROM journal_viewers"):
        viewers += _fingerprint(*record)
    if viewers != replay.viewers:
        raise BooksBroken("journal_viewers differ from the journal")


async def _cursor(connection: asyncpg.Connection, sql: str) -> AsyncIterator[asyncpg.Record]:
    async for record in connection.cursor(sql, prefetch=CHUNK):
        yield record
