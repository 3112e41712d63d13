"""What a platform's accounts and its customers' had when a day of UTC began and when it ended. The same whenever it is asked
for, since the day is over and the order is the journal's."""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.errors import PeriodOpen
from wallet.journal.begin_day import is_over
from wallet.journal.chain import GENESIS
from wallet.ledger.accounts import shown_sign
from wallet.ledger.balances import Standing, past_standings_of
from wallet.movements.span import Period, Span, span_of

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
                sign = shown_sign(code)
                added[group] = Standing(added[group].posted + sign * standing.posted, added[group].held + standing.held)
    return dict(added)


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
