"""Pages of a list, newest first, by keyset: a page at any depth costs the same."""

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


def next_cursor(call: Call[Any, Any], place: str, position: Position) -> str:
    return seal_cursor(call.settings, call.principal.owner, place, position)
