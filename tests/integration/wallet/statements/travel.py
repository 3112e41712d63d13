"""A world whose clock goes where a test puts it, also back, and what the tables themselves say of an account's periods."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg

from node.database import Dsns
from tests.fakes.clock import StillClock
from tests.fakes.world import World
from wallet.context import Context
from wallet.journal import Journal


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@asynccontextmanager
async def travelling(world: World, dsns: Dsns, start: str) -> AsyncIterator[tuple[Context, StillClock]]:
    """The same node on another clock. Its times lie ahead of everything that the world has booked."""
    clock = StillClock(day(start))
    journal = Journal(dsns.books, clock)
    await journal.start()
    try:
        yield replace(world.context, journal=journal, clock=clock), clock
    finally:
        await journal.stop()


_SUM = """
SELECT coalesce(sum(CASE WHEN t.credit_account = $1 THEN t.units ELSE -t.units END), 0)::text
FROM transfers t JOIN journal j USING (seq)
WHERE $1 IN (t.debit_account, t.credit_account) AND t.move IN ('post', 'settle') AND j.at >= $2 AND j.at < $3
"""


async def independent_sum(connection: asyncpg.Connection, account: str, start: datetime, end: datetime) -> int:
    """What was posted on the account in the period, added up by the database out of the transfers."""
    return int(await connection.fetchval(_SUM, account, start, end))
