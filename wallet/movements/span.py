"""A period as positions of the journal: half-open in time, fixed before anything is read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from wallet import schema
from wallet.context import Context
from wallet.errors import PeriodRefused
from wallet.ledger.moments import check_place, seq_before


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment up to and without another; None is the beginning of the books, or now. Raises `PeriodRefused`."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise PeriodRefused("a period ends after it begins")


@dataclass(frozen=True, slots=True)
class Span:
    """The rows of the journal after `after`, up to and with `upto`. What is in it never changes."""

    after: int
    upto: int


async def span_of(context: Context, period: Period) -> Span:
    """The Journal's times never go back, so a period is one range of rows, whatever clocks did. Without a start it begins with
    what is not archived. Raises `MomentArchived`."""
    upto = await (_head(context) if period.end is None else seq_before(context, period.end))
    if period.start is None:
        after = await _archived(context)
    else:
        after = await seq_before(context, period.start)
        await check_place(context, after)
    return Span(after, max(after, upto))


async def _head(context: Context) -> int:
    return await _number(context, select(schema.journal_head.c.seq))


async def _archived(context: Context) -> int:
    return await _number(context, select(func.max(schema.archives.c.last_seq).label("seq")))


async def _number(context: Context, statement: Any) -> int:
    row = await context.one(statement)
    return 0 if row is None or row["seq"] is None else int(row["seq"])
