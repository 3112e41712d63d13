"""Movements, chunk by chunk. No connection, and so no snapshot, is held while a chunk is on its way to its reader.

A few accounts are read one by one along their indexes and merged; the accounts of a platform with many, and the whole
books, along the journal itself in windows that grow while they find little.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, select, union_all

from wallet import schema
from wallet.context import Context, driver_connection
from wallet.journal.body import time_text
from wallet.ledger.walk import in_order, within
from wallet.movements.movement import Movement, Object, movement_of, object_of
from wallet.movements.span import Span

CHUNK_ROWS = 500  # some 8 ms of one core, while nobody else is served, and a quarter of a megabyte
CHUNK_ROWS_MIN = 50
ORDINAL_MAX = 32_767  # a SMALLINT
MERGED_ACCOUNTS_MAX = 40  # as many index scans a chunk are cheaper than everybody's rows
WINDOW_ROWS, WINDOW_ROWS_MAX = 500, 64_000  # rows of the journal looked through at once

_COLUMNS = "t.seq, t.ordinal, t.move, t.debit_account, t.credit_account, t.asset, t.units::text, t.hold"
_AFTER = ", ".join(f"t.{s}_{figure}_after::text" for s in ("debit", "credit") for figure in ("posted", "held"))


def _along(side: str) -> str:
    return (
        f"(SELECT *, '{side}' AS side FROM transfers WHERE {within(side, '$1', '$2', '$4')} AND seq >= $2"  # noqa: S608
        f" AND (seq, ordinal) > ($2, $3) ORDER BY {in_order(side)} FETCH FIRST ($5) ROWS WITH TIES)"
    )


_OF_ACCOUNT = (
    f"SELECT {_COLUMNS}, {_AFTER}, t.side FROM ({_along('debit')} UNION ALL {_along('credit')}) t"  # noqa: S608
    " ORDER BY t.seq, t.ordinal LIMIT $5"
)
_OF_BOOKS = f"SELECT {_COLUMNS}, {_AFTER} FROM transfers t WHERE t.seq > $1 AND t.seq <= $2 ORDER BY t.seq, t.ordinal"  # noqa: S608
# An account's id begins with its owner's; a window is looked through row by row, with a look at the owner's row for each side.
_OF_PLATFORM = f"""
SELECT {_COLUMNS}, {_AFTER}, d.id IS NOT NULL AS debit_own, c.id IS NOT NULL AS credit_own FROM transfers t
LEFT JOIN customers d ON d.id = split_part(t.debit_account, ':', 1) AND (d.platform = $3 OR d.id = $3)
LEFT JOIN customers c ON c.id = split_part(t.credit_account, ':', 1) AND (c.platform = $3 OR c.id = $3)
WHERE t.seq > $1 AND t.seq <= $2 AND ($4::text IS NULL OR t.asset = $4) AND (d.id IS NOT NULL OR c.id IS NOT NULL)
ORDER BY t.seq, t.ordinal
"""  # noqa: S608
_EVENTS = "SELECT seq, at, kind, body FROM journal WHERE seq = ANY($1::bigint[])"


@dataclass(slots=True)
class _Along:
    """One account on its way: what was read and not handed out yet, and where the next read begins."""

    account: str
    place: tuple[int, int]
    read: list[Movement] = field(default_factory=list)
    done: bool = False


async def movements_of_accounts(context: Context, accounts: Sequence[str], span: Span) -> AsyncIterator[list[Movement]]:
    """What happened on these accounts, in the one order. A transfer between two of them is two movements, the debit first."""
    each = max(CHUNK_ROWS // max(len(accounts), 1), CHUNK_ROWS_MIN)
    ways = [_Along(account, (span.after, ORDINAL_MAX)) for account in accounts]
    while ways:
        for way in ways:
            if not way.read:
                await _read_on(context, way, span, each)
        known = [order_of(way.read[-1]) for way in ways if not way.done]
        bound = min(known) if known else (span.upto, ORDINAL_MAX, True)
        yield sorted((one for way in ways for one in _taken(way, bound)), key=order_of)
        ways = [way for way in ways if way.read or not way.done]


async def _read_on(context: Context, way: _Along, span: Span, limit: int) -> None:
    async with driver_connection(context) as connection:
        rows = await connection.fetch(_OF_ACCOUNT, way.account, *way.place, span.upto, limit)
        way.read = await _with_events(connection, [(row, row["side"]) for row in rows])
    way.done = len(rows) < limit
    if rows:
        way.place = (rows[-1]["seq"], rows[-1]["ordinal"])


def _taken(way: _Along, bound: tuple[int, int, bool]) -> list[Movement]:
    """What comes up to the place that every account has been read to."""
    taken = [one for one in way.read if order_of(one) <= bound]
    way.read = way.read[len(taken) :]
    return taken


async def movements_of_platform(
    context: Context, platform: str, span: Span, asset: str | None = None
) -> AsyncIterator[list[Movement]]:
    """What happened on the platform's own accounts and on those of all its sub-accounts."""
    own = await accounts_of_platform(context, platform, MERGED_ACCOUNTS_MAX + 1, asset)
    if len(own) <= MERGED_ACCOUNTS_MAX:
        async for found in movements_of_accounts(context, own, span):
            yield found
        return
    async for rows in _windows(context, _OF_PLATFORM, span, platform, asset):
        yield rows


async def movements_of_books(context: Context, span: Span) -> AsyncIterator[list[Movement]]:
    """Every transfer twice: as its debit account sees it, then as its credit account does. No chunk cuts a Change in two."""
    async for found in _windows(context, _OF_BOOKS, span):
        yield found


async def _windows(context: Context, sql: str, span: Span, *values: object) -> AsyncIterator[list[Movement]]:
    after, rows_at_once = span.after, WINDOW_ROWS
    while after < span.upto:
        upto = min(after + rows_at_once, span.upto)
        async with driver_connection(context) as connection:
            rows = await connection.fetch(sql, after, upto, *values)
            found = await _with_events(connection, [(row, side) for row in rows for side in _own_sides(row)])
        yield found
        after = upto
        if len(found) < CHUNK_ROWS // 4:
            rows_at_once = min(rows_at_once * 2, WINDOW_ROWS_MAX)
        elif len(found) > CHUNK_ROWS:
            rows_at_once = max(rows_at_once // 2, 1)


def _own_sides(row: Any) -> Iterable[str]:
    """The sides that are asked for: of the whole books both."""
    return [side for side in ("debit", "credit") if "debit_own" not in row or row[f"{side}_own"]]


async def _with_events(connection: Any, sides: Sequence[tuple[Any, str]]) -> list[Movement]:
    """Each journal row is read once, however many transfers it has."""
    wanted = list(dict.fromkeys(row["seq"] for row, _ in sides))
    rows = await connection.fetch(_EVENTS, wanted)
    events = {seq: (time_text(at), kind, object_of(body)) for seq, at, kind, body in rows}
    return [_movement(row, side, *events[row["seq"]]) for row, side in sides]


def _movement(row: Any, side: str, at: str, kind: str, named: Object) -> Movement:
    figures = int(row[f"{side}_posted_after"]), int(row[f"{side}_held_after"])
    return movement_of(row, side, figures, at, kind, named)


def order_of(movement: Movement) -> tuple[int, int, bool]:
    """The one order: the journal's, then the transfer's place in its entry, the account that gives first."""
    return (movement.seq, movement.ordinal, movement.is_credit)


async def accounts_of(context: Context, owner: str, asset: str | None = None) -> list[str]:
    """All accounts that this customer has ever had, or those in one asset."""
    table = schema.accounts
    wanted = select(table.c.id).where(table.c.owner == owner, *_in_asset(asset)).order_by(table.c.id)
    return [row["id"] for row in await context.all(wanted)]


async def accounts_of_platform(context: Context, platform: str, limit: int, asset: str | None = None) -> list[str]:
    """Its own accounts and those of its sub-accounts, `limit` of them at most: along the index of its customers, not by a look
    at everybody's accounts."""
    accounts, customers = schema.accounts, schema.customers
    own = select(accounts.c.id).where(accounts.c.owner == platform, *_in_asset(asset))
    subs = select(accounts.c.id).join(customers, customers.c.id == accounts.c.owner)
    among = subs.where(customers.c.platform == platform, *_in_asset(asset))
    return [row["id"] for row in await context.all(union_all(own, among).limit(limit))]


def _in_asset(asset: str | None) -> list[ColumnElement[bool]]:
    return [] if asset is None else [schema.accounts.c.asset == asset]
