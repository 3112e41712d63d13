"""Pages of a list, newest first, by keyset: a page at any depth costs the same."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table

from api.cursors import Position, open_cursor, seal_cursor
from api.routes import Call
from api.schema import Paging
from wallet.context import Record


async def page_of_rows(
    call: Call[Any, Paging], place: str, table: Table, *conditions: ColumnElement[bool]
) -> tuple[list[Record], str | None]:
    """Rows of `table` by their time-sorted ids, and the cursor of the next page; None at the end."""
    statement: Select[Any] = table.select().where(*conditions)
    if call.query.cursor is not None:
        (last_id,) = open_cursor(call.settings, call.principal.owner, place, call.query.cursor)
        statement = statement.where(table.c.id < last_id)
    rows = await call.context.all(statement.order_by(table.c.id.desc()).limit(call.query.limit + 1))
    page = rows[: call.query.limit]
    return page, next_cursor(call, place, (page[-1]["id"],)) if len(rows) > len(page) else None


async def page_of_tables(
    call: Call[Any, Paging], place: str, wanted: Mapping[str, tuple[Table, ColumnElement[bool]]]
) -> tuple[list[Record], str | None]:
    """Rows of several tables as one list, by the time in their ids; each table by the prefix of its ids."""
    rows: list[Record] = []
    for prefix, (table, condition) in wanted.items():
        statement = table.select().where(condition)
        if call.query.cursor is not None:
            (last,) = open_cursor(call.settings, call.principal.owner, place, call.query.cursor)
            statement = statement.where(table.c.id < f"{prefix}_{last}")
        rows += await call.context.all(statement.order_by(table.c.id.desc()).limit(call.query.limit + 1))
    rows.sort(key=_time_part, reverse=True)
    page = rows[: call.query.limit]
    return page, next_cursor(call, place, (_time_part(page[-1]),)) if len(rows) > len(page) else None


def _time_part(row: Record) -> str:
    """Of an id, without its noun."""
    return str(row["id"]).partition("_")[2]


def next_cursor(call: Call[Any, Any], place: str, position: Position) -> str:
    return seal_cursor(call.settings, call.principal.owner, place, position)
