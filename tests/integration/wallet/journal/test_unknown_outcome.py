"""The line to the database is lost around a COMMIT: what became of it is looked up, and nothing is done twice or lost."""

import asyncio
import os
import random
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from node.database import Dsns, EmbeddedPostgres, prepare_roles
from node.migrations.apply import apply_migrations
from tests.integration.wallet.changes import (
    ALICE,
    BOB,
    connected,
    count_of,
    credited,
    held,
    paid,
    posted_and_held,
    proven,
    running,
)
from tests.integration.wallet.cutting import Cut, CuttingLine
from wallet.errors import InsufficientFunds, RememberedRefusal
from wallet.journal import Change, Committed, Journal

KILLS = 15
NTH_MAX = 60
STATEMENTS_LEAST = 3


@asynccontextmanager
async def cut_line(dsn: str) -> AsyncIterator[tuple[CuttingLine, Journal]]:
    with tempfile.TemporaryDirectory() as folder:
        async with CuttingLine(dsn, Path(folder)) as line, running(line.dsn) as journal:
            yield line, journal


@pytest.mark.parametrize("how", [Cut.BEFORE, Cut.AFTER, Cut.LATE])
async def test_crs_07_a_commit_whose_answer_is_lost_is_done_exactly_once(dsns: Dsns, how: Cut) -> None:
    """Without any key: only the look-up under the head lock can tell, also while the COMMIT is still on its way."""
    async with cut_line(dsns.books) as (line, journal):
        await journal.commit(credited(ALICE, 100))
        for n in range(1, 4):
            line.cut = how
            made = await asyncio.gather(*(journal.commit(paid(ALICE, BOB, 1)) for _ in range(5)))
            assert line.cuts == n
            assert [each.seq for each in made] == list(range(5 * n - 3, 5 * n + 2))
            assert not any(each.replayed for each in made)
    assert await posted_and_held(dsns.books, BOB) == (15, 0)
    assert await count_of(dsns.books, "journal") == 16
    await proven(dsns.books)


@pytest.mark.parametrize("how", [Cut.BEFORE, Cut.AFTER, Cut.LATE])
async def test_crs_07_while_another_writer_goes_on_a_lost_commit_is_still_done_exactly_once(
    dsns: Dsns, how: Cut
) -> None:
    async with cut_line(dsns.books) as (line, journal), running(dsns.books) as other:
        await other.commit(credited(ALICE, 100))
        line.cut = how
        asked = [journal.commit(paid(ALICE, BOB, 1)), *(other.commit(paid(ALICE, BOB, 2)) for _ in range(4))]
        await asyncio.gather(*asked)
    assert line.cuts == 1
    assert await posted_and_held(dsns.books, BOB) == (9, 0)
    await proven(dsns.books)


@pytest.mark.parametrize("how", [Cut.BEFORE, Cut.AFTER, Cut.LATE])
async def test_crs_07_a_refusal_whose_commit_is_lost_is_remembered_all_the_same(dsns: Dsns, how: Cut) -> None:
    async with cut_line(dsns.books) as (line, journal):
        line.cut = how
        with pytest.raises((InsufficientFunds, RememberedRefusal)) as first:
            await journal.commit(paid(ALICE, BOB, 1, key="the-key"))
        await journal.commit(credited(ALICE, 100))
        with pytest.raises(RememberedRefusal) as again:
            await journal.commit(paid(ALICE, BOB, 1, key="the-key"))
    assert line.cuts == 1
    assert again.value.message == first.value.message
    assert await count_of(dsns.books, "requests") == 1


@pytest.mark.parametrize("how", [Cut.BEFORE, Cut.AFTER])
@pytest.mark.parametrize(
    "first", [Cut.NEVER, *[pytest.param(cut, marks=pytest.mark.whole) for cut in (Cut.BEFORE, Cut.AFTER)]]
)
async def test_crs_07_a_line_that_is_lost_at_any_statement_loses_and_doubles_nothing(
    dsns: Dsns, first: Cut, how: Cut
) -> None:
    """At the first thing that a batch sends, at the second, and so on until it ends before its turn to be cut has come.
    Then the same while what became of a lost commit is looked up."""
    made = 0
    async with cut_line(dsns.books) as (line, journal), running(dsns.books) as other:
        await journal.commit(credited(ALICE, 1000))
        for nth in range(NTH_MAX):
            await other.commit(
                paid(ALICE, BOB, 1)
            )  # so that the other writer's next batch locks, looks and begins anew
            if first is not Cut.NEVER:
                line.cut = first
                line.was_cut.clear()
                lost = asyncio.create_task(journal.commit(paid(ALICE, BOB, 1)))
                await asyncio.wait_for(line.was_cut.wait(), 10)
            before, line.cut, line.cut_in = line.cuts, how, nth
            asked = [journal.commit(paid(ALICE, BOB, 1, key=f"key-{nth}-{n}" if n else None)) for n in range(3)]
            done = await asyncio.gather(*asked, *([lost] if first is not Cut.NEVER else []))
            made += len(done) + 1
            line.cut = Cut.NEVER
            if line.cuts == before:
                break
    assert line.cuts >= STATEMENTS_LEAST, "a batch sends several things, and each of them was lost once"
    assert nth < NTH_MAX - 1
    assert await posted_and_held(dsns.books, BOB) == (made, 0)
    assert await count_of(dsns.books, "journal") == made + 1
    await proven(dsns.books)


async def head(connection: asyncpg.Connection) -> tuple[int, int]:
    (row,) = await connection.fetch("SELECT seq, fence FROM journal_head")
    return row["seq"], row["fence"]


async def test_crs_07_a_statement_that_was_given_up_as_lost_writes_nothing_when_it_arrives_after_all(
    dsns: Dsns,
) -> None:
    """It arrives after the look-up has told that it is not on record, and nobody else has written since."""
    async with cut_line(dsns.books) as (line, journal), connected(dsns.books) as connection:
        await journal.commit(credited(ALICE, 100))
        await journal.commit(paid(ALICE, BOB, 1))
        seq, fence = await head(connection)
        line.cut = Cut.LATE
        asking = asyncio.create_task(journal.commit(paid(ALICE, BOB, 101, key="refused-whenever-judged")))
        with pytest.raises((InsufficientFunds, RememberedRefusal)):
            await asking
        assert line.cuts == 1
        assert await head(connection) == (seq, fence + 2)  # by the look-up, and by the answer that was written then
        await asyncio.wait_for(line.late_arrived.wait(), 5)
        assert await head(connection) == (seq, fence + 2)
    assert await count_of(dsns.books, "requests") == 1
    await proven(dsns.books)


def workload(n: int) -> Change:
    if n % 5 == 0:
        return held(ALICE, 1, f"hld_{n}")
    return paid(ALICE, BOB, 1, key=f"key-{n}" if n % 2 else None)


async def committed_all(journal: Journal, first: int, last: int) -> int:
    found = await asyncio.gather(*(journal.commit(workload(n)) for n in range(first, last)), return_exceptions=True)
    assert {type(outcome) for outcome in found} == {Committed}
    return len(found)


async def test_crs_07_a_writer_that_is_terminated_at_any_moment_loses_and_doubles_nothing(dsns: Dsns) -> None:
    """`pg_terminate_backend` every few milliseconds, by the journal's own role."""
    async with running(dsns.books) as journal, connected(dsns.books) as killer:
        await journal.commit(credited(ALICE, 100_000))
        killing = asyncio.create_task(terminate_again_and_again(killer))
        made = 0
        while not killing.done():
            made += await committed_all(journal, made, made + 20)
        assert await killing >= KILLS
    assert await count_of(dsns.books, "journal") == made + 1
    holds = len([n for n in range(made) if n % 5 == 0])
    assert await posted_and_held(dsns.books, BOB) == (made - holds, 0)
    assert await posted_and_held(dsns.books, ALICE) == (100_000 - made + holds, holds)
    await proven(dsns.books)


async def terminate_again_and_again(killer: asyncpg.Connection) -> int:
    chance, killed = random.Random(7), 0
    while killed < KILLS:
        await asyncio.sleep(chance.uniform(0.001, 0.02))
        killed += await killer.fetchval(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'coffer-journal' AND datname = current_database()"
        )
    return killed


async def test_crs_07_a_server_that_is_killed_keeps_all_that_was_answered_and_the_writer_goes_on(
    tmp_path: Path,
) -> None:
    server = EmbeddedPostgres(tmp_path)
    owner = await server.start()
    dsns = await prepare_roles(owner, tmp_path, {})
    await apply_migrations(owner)
    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 1000))
        made = 0
        for _ in range(2):
            asking = asyncio.gather(*(stream(journal, n) for n in range(4)))
            await asyncio.sleep(0.15)
            os.kill(server.pid, signal.SIGKILL)
            await server.stop()
            assert await server.start() == owner
            made += sum(await asking)
    assert made == 2 * 4 * 10
    assert await posted_and_held(dsns.books, BOB) == (made, 0)
    assert await count_of(dsns.books, "journal") == made + 1
    await proven(dsns.books)
    await server.stop()


async def stream(journal: Journal, _number: int) -> int:
    """Ten payments one after the other, so that the kill meets the writer at work. They wait for the server to return."""
    for _ in range(10):
        await journal.commit(paid(ALICE, BOB, 1))
        await asyncio.sleep(0.02)
    return 10
