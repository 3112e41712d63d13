"""Statements as JSON and as CSV. Both are made while the movements are read, and are the same bytes each time."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from wallet.exports.files import FileForm, Row, file_of
from wallet.journal.body import time_text
from wallet.ledger.balances import Standing
from wallet.money import format_units
from wallet.movements.movement import Movement, movement_view, told_counterparty
from wallet.statements.posted import PostedStatement

MOVEMENT_NAMES = ("at", "kind", "object", "direction", "amount", "posted_after", "counterparty")
CSV_NAMES = ("record", *MOVEMENT_NAMES, "held")


def head_view(posted: PostedStatement) -> dict[str, Any]:
    """Everything of a statement but its movements and what they come to."""
    statement, account = posted.statement, posted.statement.account
    return {
        "customer": account.owner,
        "account": account.code,
        "asset": account.asset.symbol,
        "from": time_text(statement.start),
        "to": time_text(statement.end),
        "final": statement.is_final,
        "opening": standing_view(statement.opening, account.asset.decimals),
        "closing": standing_view(statement.closing, account.asset.decimals),
    }


def standing_view(standing: Standing, decimals: int) -> dict[str, str]:
    figures = {"posted": standing.posted, "held": standing.held, "available": standing.available}
    return {name: format_units(units, decimals) for name, units in figures.items()}


def totals_view(posted: PostedStatement) -> dict[str, Any]:
    """How many movements there were and what they come to, when all have been read."""
    totals, decimals = posted.totals, posted.statement.account.asset.decimals
    sums = {"total_in": totals.total_in, "total_out": totals.total_out}
    return {"count": totals.count, **{name: format_units(units, decimals) for name, units in sums.items()}}


def posted_view(posted: PostedStatement, movement: Movement, *, sees_all: bool) -> dict[str, Any]:
    """One movement, told as everywhere."""
    view = movement_view(movement, posted.statement.account.asset.decimals)
    view["counterparty"] = told_counterparty(movement, sees_all=sees_all)
    return {name: view[name] for name in MOVEMENT_NAMES}


async def statement_json(posted: PostedStatement, *, sees_all: bool) -> AsyncGenerator[bytes, None]:
    """One object; its movements stand before what they come to."""
    yield f'{_text(head_view(posted))[:-1]},"movements":['.encode()
    between = ""
    async for found in posted.chunks():
        views = [_text(posted_view(posted, one, sees_all=sees_all)) for one in found]
        if views:
            yield (between + ",".join(views)).encode()
            between = ","
    yield f"],{_text(totals_view(posted))[1:]}".encode()


def statement_csv(posted: PostedStatement, *, sees_all: bool) -> AsyncGenerator[bytes, None]:
    """A row for the opening balance, one for each movement, one for each total and one for the closing balance."""
    return file_of(FileForm.CSV, CSV_NAMES, _csv_rows(posted, sees_all=sees_all))


async def _csv_rows(posted: PostedStatement, *, sees_all: bool) -> AsyncIterator[list[Row]]:
    head = head_view(posted)
    yield [_balance_row("opening", head["from"], head["opening"])]
    async for found in posted.chunks():
        yield [_movement_row(posted_view(posted, one, sees_all=sees_all)) for one in found]
    totals = totals_view(posted)
    sums: list[Row] = [
        (name, None, None, None, None, totals[name], None, None, None) for name in ("total_in", "total_out")
    ]
    yield [*sums, _balance_row("closing", head["to"], head["closing"])]


def _balance_row(record: str, at: str, standing: dict[str, str]) -> Row:
    return (record, at, None, None, None, None, standing["posted"], None, standing["held"])


def _movement_row(view: dict[str, Any]) -> Row:
    return ("movement", *[view[name] for name in MOVEMENT_NAMES], None)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
