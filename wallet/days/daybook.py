"""A platform's daybook: what its accounts and its customers' had when a day of UTC began, all that happened, and what they had
when it ended. The same bytes whenever it is asked for, since the day is over and the order is the journal's."""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.days.begin import is_over
from wallet.errors import PeriodOpen
from wallet.exports.read import movements_of_platform
from wallet.exports.span import Period, Span, span_of
from wallet.journal.chain import GENESIS
from wallet.ledger.balances import Standing, past_standings_of
from wallet.ledger.history import Movement
from wallet.statements.movements import StatementWrong

OWN, SUB_ACCOUNTS = "own", "sub_accounts"
VERSION = 1  # of the file: counts up when the same day would be told in other bytes
OWNERS_AT_ONCE = 500  # accounts are looked up by some thousands, in some ten milliseconds

Group = tuple[str, str, str]
"""Whose (`own` or `sub_accounts`), which code, which asset: the accounts that are added up together."""


@dataclass(frozen=True, slots=True)
class Daybook:
    """`tag` names the content: the platform, the day, and the journal's own hash at the day's end. Figures are in base units;
    those of receivables are what is owed."""

    platform: str
    day: date
    span: Span
    tag: str
    opening: Mapping[Group, Standing]
    closing: Mapping[Group, Standing]


@dataclass(slots=True)
class GroupTotals:
    """What went in and out of a group's accounts, between two of them too."""

    total_in: int = 0
    total_out: int = 0
    held: int = 0

    def add(self, posted: int, held: int) -> None:
        self.total_in += max(posted, 0)
        self.total_out += max(-posted, 0)
        self.held += held


async def find_day(context: Context, platform: str, day: date) -> tuple[Span, str]:
    """Where the day stands in the journal, and its daybook's tag. Raises `PeriodOpen` for a day that is not over,
    `MomentArchived`."""
    start = datetime.combine(day, time(), UTC)
    end = start + timedelta(days=1)
    if not await is_over(context, end):
        raise PeriodOpen
    span = await span_of(context, Period(start, end))
    row = await context.one(select(schema.journal.c.hash).where(schema.journal.c.seq == span.upto))
    sealed = bytes(row["hash"]) if row is not None else GENESIS
    words = f"coffer/daybook/{VERSION} {platform} {day} {span.after} {span.upto} "
    return span, hashlib.sha256(words.encode() + sealed).hexdigest()


async def open_daybook(context: Context, platform: str, day: date) -> Daybook:
    """Raises as `find_day`."""
    span, tag = await find_day(context, platform, day)
    opening, closing = [await _standings(context, platform, seq) for seq in (span.after, span.upto)]
    return Daybook(platform, day, span, tag, opening, closing)


async def _standings(context: Context, platform: str, seq: int) -> dict[Group, Standing]:
    """Added up over the platform's accounts, and over those of its customers."""
    added: dict[Group, Standing] = defaultdict(Standing)
    async for owners in _owners(context, platform):
        found = await past_standings_of(context, owners, seq)
        for (owner, code, asset), standing in found.items():
            if standing != Standing():
                group = (OWN if owner == platform else SUB_ACCOUNTS, code, asset)
                sign = sign_of(code)
                added[group] = Standing(added[group].posted + sign * standing.posted, added[group].held + standing.held)
    return dict(added)


def sign_of(code: str) -> int:
    """A receivable is told as what is owed, which grows where the ledger debits it."""
    return -1 if code == "receivable" else 1


async def _owners(context: Context, platform: str) -> AsyncIterator[list[str]]:
    table, last = schema.customers, ""
    yield [platform]
    while True:
        wanted = select(table.c.id).where(table.c.platform == platform, table.c.id > last).order_by(table.c.id)
        owners = [row["id"] for row in await context.all(wanted.limit(OWNERS_AT_ONCE))]
        if not owners:
            return
        yield owners
        last = owners[-1]


async def movements_of_day(
    context: Context, daybook: Daybook, totals: dict[Group, GroupTotals]
) -> AsyncIterator[list[Movement]]:
    """All of them in the one order, added up into `totals`. Raises `StatementWrong` if they do not lead from the opening to the
    closing figures."""
    async for found in movements_of_platform(context, daybook.platform, daybook.span):
        for one in found:
            group = group_of(daybook.platform, one)
            totals.setdefault(group, GroupTotals()).add(sign_of(group[1]) * one.posted_change, one.held_change)
        yield found
    for group in groups_of(daybook, totals):
        came_to = _came_to(daybook.opening.get(group, Standing()), totals.get(group, GroupTotals()))
        if came_to != daybook.closing.get(group, Standing()):
            raise StatementWrong(f"{group}: the day's movements come to {came_to}, not {daybook.closing.get(group)}")


def _came_to(opening: Standing, totals: GroupTotals) -> Standing:
    return Standing(opening.posted + totals.total_in - totals.total_out, opening.held + totals.held)


def group_of(platform: str, movement: Movement) -> Group:
    owner, code, asset = movement.account.split(":")
    return (OWN if owner == platform else SUB_ACCOUNTS, code, asset)


def groups_of(daybook: Daybook, totals: Mapping[Group, GroupTotals]) -> Iterator[Group]:
    """In their order: those that had something, or in which something happened."""
    yield from sorted({*daybook.opening, *daybook.closing, *totals})
