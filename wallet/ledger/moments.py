"""Moments and places in the order. The books are ordered by sequence; a moment only says which Change was the last one.

The Journal's time never goes back, even when the clock does, so every moment falls between two Changes. What was told of a
moment stays true for ever, once the Journal's own time is past it; of the last instant a batch may still be on its way.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from wallet import schema
from wallet.context import Context
from wallet.errors import Refusal
from wallet.journal.body import time_text

_BATCHES, _HEAD, _ARCHIVES = schema.journal_batches, schema.journal_head, schema.archives


class MomentToCome(Refusal):
    """Nobody knows yet what the books will say then."""

    code = "moment_to_come"

    def __init__(self, moment: datetime) -> None:
        super().__init__(f"{time_text(moment)} has not come yet", moment=time_text(moment))


class PositionToCome(Refusal):
    code = "position_to_come"

    def __init__(self, seq: int) -> None:
        super().__init__(f"the journal has not come to {seq} yet", position=str(seq))


class MomentArchived(Refusal):
    """The transfers that led there were moved out of the database: the archive alone tells of them."""

    code = "moment_archived"

    def __init__(self) -> None:
        super().__init__("the books of that time are in an archive")


@dataclass(frozen=True, slots=True)
class _Journal:
    """Where the journal stands: its last Change, and the last that was archived (0 without archives)."""

    seq: int
    at: datetime
    archived_seq: int


async def seq_until(context: Context, moment: datetime) -> int:
    """The last Change at or before this moment; 0 if there is none. One look into an index, however long the journal is."""
    return await _last_seq(context, _BATCHES.c.at <= moment)


async def seq_before(context: Context, moment: datetime) -> int:
    """The last Change before this moment, for periods, which begin with a moment and end before another."""
    return await _last_seq(context, _BATCHES.c.at < moment)


async def place_at(context: Context, moment: datetime) -> int:
    """The sequence after which to read the books of this moment. Raises `MomentToCome`, `MomentArchived`."""
    journal = await _journal(context)
    if moment > max(context.clock.now(), journal.at):  # the clock may have gone back behind the Journal's own time
        raise MomentToCome(moment)
    seq = await seq_until(context, moment)
    if seq < journal.archived_seq:
        raise MomentArchived
    return seq


async def check_place(context: Context, seq: int) -> None:
    """Whether the books after the Change `seq` can be read. Raises `PositionToCome`, `MomentArchived`."""
    journal = await _journal(context)
    if seq > journal.seq:
        raise PositionToCome(seq)
    if seq < journal.archived_seq:
        raise MomentArchived


async def _last_seq(context: Context, condition: ColumnElement[bool]) -> int:
    statement = select(_BATCHES.c.last_seq).where(condition)
    row = await context.one(statement.order_by(_BATCHES.c.at.desc(), _BATCHES.c.last_seq.desc()).limit(1))
    return row["last_seq"] if row is not None else 0


async def _journal(context: Context) -> _Journal:
    archived: Any = select(func.coalesce(func.max(_ARCHIVES.c.last_seq), 0)).scalar_subquery()
    (row,) = await context.all(select(_HEAD.c.seq, _HEAD.c.at, archived.label("archived_seq")))
    return _Journal(**row)
