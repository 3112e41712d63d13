"""A refusal is remembered for ever, whatever the clocks of those say who write and who ask again.

Answers lie in partitions by day, and one key's uniqueness is one day's. A batch that only answers leaves no journal row, so
nothing but the head tells other writers of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from node.database import Dsns
from tests.clusters import until
from tests.fakes.clock import StillClock
from tests.integration.wallet.changes import ALICE, BOB, connected, count_of, credited, paid, posted_and_held, proven
from wallet.errors import InsufficientFunds, RememberedRefusal
from wallet.journal import Committed, Journal
from wallet.journal.head import LOCK_HEAD

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
BEFORE, AFTER = MIDNIGHT - timedelta(seconds=1), MIDNIGHT + timedelta(seconds=1)


@asynccontextmanager
async def _running(dsn: str, clock: StillClock) -> AsyncIterator[Journal]:
    journal = Journal(dsn, clock)
    await journal.start()
    try:
        yield journal
    finally:
        await journal.stop()


async def test_idm_01_a_refusal_is_repeated_by_a_process_whose_clock_is_behind(dsns: Dsns) -> None:
    async with _running(dsns.books, StillClock(AFTER)) as ahead, _running(dsns.books, StillClock(BEFORE)) as behind:
        await behind.commit(credited(BOB, 1))
        with pytest.raises(InsufficientFunds):
            await ahead.commit(paid(ALICE, BOB, 10, key="the-key"))
        await behind.commit(credited(ALICE, 100))
        with pytest.raises(RememberedRefusal):
            await behind.commit(paid(ALICE, BOB, 10, key="the-key"))
    assert await posted_and_held(dsns.books, BOB) == (1, 0)
    await proven(dsns.books)


async def test_idm_01_of_two_tries_on_both_sides_of_midnight_one_is_answered_as_the_other(dsns: Dsns) -> None:
    late = StillClock(BEFORE)
    async with _running(dsns.books, StillClock(BEFORE)) as one, _running(dsns.books, late) as other:
        await other.commit(credited(BOB, 1))  # what comes next it judges without the lock
        late.at = AFTER
        async with connected(dsns.books) as holder:
            async with holder.transaction():
                await holder.execute(LOCK_HEAD)
                refused = asyncio.ensure_future(one.commit(paid(ALICE, BOB, 10, key="the-key")))
                await _waiting_for_the_head(dsns, 1)
                rich = asyncio.ensure_future(other.commit(credited(ALICE, 100)))
                again = asyncio.ensure_future(other.commit(paid(ALICE, BOB, 10, key="the-key")))
                await _waiting_for_the_head(dsns, 2)
            answers = await asyncio.gather(refused, rich, again, return_exceptions=True)
    assert isinstance(answers[0], InsufficientFunds)
    assert isinstance(answers[1], Committed)
    assert isinstance(answers[2], RememberedRefusal)
    assert await posted_and_held(dsns.books, BOB) == (1, 0)
    assert await count_of(dsns.books, "requests") == 1
    await proven(dsns.books)


async def _waiting_for_the_head(dsns: Dsns, wanted: int) -> None:
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with connected(dsns.owner) as connection:

        async def are() -> bool:
            return bool(await connection.fetchval(sql) >= wanted)

        await until(are)
