"""A daybook as a file: a row for what each group of accounts had, one for each movement, then the totals and what they have.

The groups' rows have the columns of movements, so that every row has the same ones.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from wallet.context import Context
from wallet.daybooks.open import OWN, SUB_ACCOUNTS, Daybook, Group
from wallet.daybooks.posted import GroupTotals, groups_of, movements_of_day
from wallet.exports.files import FileForm, Row, file_of
from wallet.exports.transfers import CUSTOMER_NAMES, customer_rows
from wallet.ledger.balances import Standing
from wallet.money import format_units

NAMES = ("record", "accounts", *CUSTOMER_NAMES)
_CUSTOMER = CUSTOMER_NAMES.index("customer")


def daybook_file(context: Context, daybook: Daybook, form: FileForm) -> AsyncGenerator[bytes, None]:
    """The same bytes each time. Raises `MovementsWrong` where the books do not hold together."""
    return file_of(form, NAMES, _rows(context, daybook))


async def _rows(context: Context, daybook: Daybook) -> AsyncIterator[list[Row]]:
    totals: dict[Group, GroupTotals] = {}
    yield [_standing_row(context, "opening", group, daybook.opening[group]) for group in sorted(daybook.opening)]
    async for rows in customer_rows(context, movements_of_day(context, daybook, totals), sees_all=True):
        yield [_movement_row(daybook.platform, row) for row in rows]
    for group in groups_of(daybook, totals):
        found = totals.get(group, GroupTotals())
        yield [
            _total_row(context, "total_in", group, found.total_in),
            _total_row(context, "total_out", group, found.total_out),
            _standing_row(context, "closing", group, daybook.closing.get(group, Standing())),
        ]


def _movement_row(platform: str, row: Row) -> Row:
    return ("movement", OWN if row[_CUSTOMER] == platform else SUB_ACCOUNTS, *row)


def _standing_row(context: Context, record: str, group: Group, standing: Standing) -> Row:
    decimals = context.asset(group[2]).decimals
    figures = {"posted_after": standing.posted, "held_after": standing.held}
    return _group_row(record, group, {name: format_units(units, decimals) for name, units in figures.items()})


def _total_row(context: Context, record: str, group: Group, units: int) -> Row:
    return _group_row(record, group, {"amount": format_units(units, context.asset(group[2]).decimals)})


def _group_row(record: str, group: Group, figures: dict[str, Any]) -> Row:
    whose, code, asset = group
    told = {"record": record, "accounts": whose, "account": code, "asset": asset, **figures}
    return [told.get(name) for name in NAMES]
