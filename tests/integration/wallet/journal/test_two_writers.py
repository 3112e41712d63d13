"""Two processes that write: who meets the other works under the lock, and goes back to judging ahead when it is alone again."""

import asyncio

import pytest

from node.database import Dsns
from node.processes import attempts
from tests.integration.wallet.changes import (
    ALICE,
    BOB,
    connected,
    count_of,
    credited,
    held,
    listed,
    paid,
    paused,
    posted_and_held,
    proven,
    running,
    voided,
)
from wallet.errors import InsufficientFunds
from wallet.journal import Journal
from wallet.journal.head import FENCE_HEAD


def judges_ahead(journal: Journal) -> bool:
    return journal._may_prepare


async def test_a_writer_that_met_another_once_judges_beside_its_commits_again(dsns: Dsns) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(listed())
        await one.commit(credited(ALICE, 100))
        assert judges_ahead(one)
        await other.commit(paid(ALICE, BOB, 1, key="other"))
        await one.commit(paid(ALICE, BOB, 1, key="one"))
        assert not judges_ahead(one), "it has met the other: the test would say nothing"
        await one.commit(paid(ALICE, BOB, 1, key="two"))
        assert judges_ahead(one)
    assert await posted_and_held(dsns.books, BOB) == (3, 0)
    await proven(dsns.books)


async def test_what_was_judged_beside_a_batch_that_then_failed_is_judged_anew(dsns: Dsns) -> None:
    """The second batch is looked up for while the first is sent, and the first finds that the head has moved."""
    async with running(dsns.books) as one, connected(dsns.owner) as head, connected(dsns.owner) as holds:
        await one.commit(credited(ALICE, 100))
        await one.commit(held(ALICE, 30, "hld_one"))
        assert judges_ahead(one)
        async with holds.transaction():
            async with head.transaction():
                await head.execute("SELECT FROM journal_head FOR UPDATE")
                first = one.submit(paid(ALICE, BOB, 70))
                await until(dsns, _WAITS, "UPDATE journal_head")
                await holds.execute("LOCK TABLE holds IN ACCESS EXCLUSIVE MODE")
                second = one.submit(voided(ALICE, 30, "hld_one"))
                await until(dsns, _WAITS, "FROM holds")
                await head.execute("UPDATE journal_head SET fence = fence + 1")
            await until(dsns, "SELECT count(*) FROM journal WHERE seq = 3 AND kind = $1", "payment.sent")
        assert [(await done).seq for done in (first, second)] == [3, 4]
        await one.commit(paid(ALICE, BOB, 30))
    assert await posted_and_held(dsns.books, ALICE) == (0, 0)
    await proven(dsns.books)


_WAITS = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'coffer-journal' AND wait_event_type = 'Lock'"
    " AND datname = current_database() AND position($1 IN query) > 0"
)


async def until(dsns: Dsns, asked: str, words: str) -> None:
    """The count is not nothing."""
    async with connected(dsns.books) as connection:
        async for _ in attempts(10.0):
            if await connection.fetchval(asked, words):
                return
    raise TimeoutError(f"{asked}: {words}")


async def test_a_batch_of_several_statements_that_was_judged_before_another_wrote_is_judged_anew(dsns: Dsns) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(listed())
        await other.commit(paused(1, "by the other"))
        assert judges_ahead(one)
        stale, also = one.submit(paused(1, "on what was")), one.submit(paused(2, "on what is"))
        after = one.submit(paused(3, "and again"))
        ends = await asyncio.gather(stale, also, after, return_exceptions=True)
        assert [type(end).__name__ for end in ends] == ["Stale", "Committed", "Committed"]
        assert not judges_ahead(one), "it has met the other: the test would say nothing"
    async with connected(dsns.books) as connection:
        (row,) = await connection.fetch("SELECT version, pause_reason FROM assets")
        assert tuple(row) == (4, "and again")
    await proven(dsns.books)


async def test_what_another_wrote_between_two_batches_under_the_lock_is_looked_up(dsns: Dsns) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(credited(ALICE, 100))
        await other.commit(credited(BOB, 1))
        await one.commit(credited(ALICE, 1))
        assert not judges_ahead(one), "it has not met the other: the test would say nothing"
        await other.commit(paid(ALICE, BOB, 101))
        with pytest.raises(InsufficientFunds):
            await one.commit(paid(ALICE, BOB, 1))
        await other.commit(paid(BOB, ALICE, 102))
        await one.commit(paid(ALICE, BOB, 102))
    assert await posted_and_held(dsns.books, BOB) == (102, 0)
    await proven(dsns.books)


async def test_a_refusal_that_finds_the_head_fenced_by_another_is_on_record_all_the_same(dsns: Dsns) -> None:
    """The head then stands where the refusal would have left it; what is remembered of that was never written."""
    async with running(dsns.books) as one, connected(dsns.books) as other:
        await one.commit(credited(ALICE, 100))
        assert judges_ahead(one)
        await other.execute(FENCE_HEAD)
        with pytest.raises(InsufficientFunds):
            await one.commit(paid(ALICE, BOB, 1_000, key="k"))
        assert not judges_ahead(one), "the head had not moved: the test would say nothing"
    assert await count_of(dsns.books, "requests") == 1
    await proven(dsns.books)
