"""CRS-08: a database that misses what it had confirmed takes the place of the right one. Nothing more is written to it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from node.database import Dsns
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid, posted_and_held, running
from tests.integration.wallet.cutting import Cut, CuttingLine
from tests.integration.wallet.journal.sealing import signing
from wallet.errors import OutcomeUnknown
from wallet.journal import Journal
from wallet.journal.head import Head
from wallet.journal.tail import Tail, TailLost, refuse_lost_tail

END_WRITERS = (
    "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name = 'coffer-journal' AND datname = current_database()"
)


async def lose_last_row(dsns: Dsns) -> None:
    """As in an old backup."""
    async with connected(dsns.owner) as owner:
        last = await owner.fetchval("SELECT seq FROM journal_head")
        for table in ("journal", "transfers"):
            await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await owner.execute(f"DELETE FROM {table} WHERE seq = $1", last)
        back = "UPDATE journal_head SET seq = j.seq, hash = j.hash, at = j.at FROM journal j WHERE j.seq = $1"
        await owner.execute(back, last - 1)


async def assert_takes_nothing_more(journal: Journal, seq: int) -> None:
    for _ in range(2):
        with pytest.raises(TailLost, match=f"journal row {seq}, which it had confirmed"):
            await journal.commit(paid(ALICE, BOB, 1))
    with pytest.raises(TailLost):
        journal.check()


async def test_crs_08_a_database_without_the_confirmed_end_is_written_to_no_more(dsns: Dsns) -> None:
    async with signing(dsns.books) as journal:
        await journal.commit(credited(ALICE, 100))
        last = await journal.commit(paid(ALICE, BOB, 10))
        await lose_last_row(dsns)
        async with connected(dsns.books) as connection:
            assert await connection.fetchval(END_WRITERS) >= 1
        with pytest.raises((TailLost, OutcomeUnknown)):  # unknown where its line breaks while it is sent
            await journal.commit(paid(ALICE, BOB, 1))
        await assert_takes_nothing_more(journal, last.seq)
    async with connected(dsns.books) as connection:
        assert await connection.fetchval("SELECT max(seq) FROM journal") == last.seq - 1


@contextmanager
def out_of_reach(folder: Path) -> Iterator[None]:
    """Lines that stand, stand; nobody gets a new one."""
    (socket,) = folder.iterdir()
    elsewhere = socket.rename(folder / "elsewhere")
    yield
    elsewhere.rename(socket)


async def test_crs_08_what_was_sent_to_a_database_that_then_lost_its_end_is_unknown(dsns: Dsns) -> None:
    """Nobody may be told that nothing was written: the right database may have it."""
    with TemporaryDirectory() as name:
        async with CuttingLine(dsns.books, Path(name)) as line, running(line.dsn) as journal:
            await journal.commit(credited(ALICE, 100))
            last = await journal.commit(paid(ALICE, BOB, 10))
            with out_of_reach(Path(name)):
                line.cut = Cut.BEFORE
                asking = asyncio.create_task(journal.commit(paid(ALICE, BOB, 1)))
                await asyncio.wait_for(line.was_cut.wait(), 10)
                await lose_last_row(dsns)
            with pytest.raises(OutcomeUnknown):
                await asyncio.wait_for(asking, 20)
            await assert_takes_nothing_more(journal, last.seq)


async def test_a_database_that_stays_away_after_a_commit_was_sent_leaves_its_outcome_unknown(
    dsns: Dsns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.journal.writer.LOOKUP_LIMIT_S", 0.3)
    monkeypatch.setattr("wallet.journal.writer.LOOKUP_CONNECT_S", 0.1)
    with TemporaryDirectory() as name:
        async with CuttingLine(dsns.books, Path(name)) as line, running(line.dsn) as journal:
            await journal.commit(credited(ALICE, 100))
            line.cut = Cut.AFTER
            with out_of_reach(Path(name)), pytest.raises(OutcomeUnknown, match="repeat under the same key"):
                await asyncio.wait_for(journal.commit(paid(ALICE, BOB, 1, key="k")), 20)
            assert line.cuts == 1
            assert (await journal.commit(paid(ALICE, BOB, 1, key="k"))).replayed
    assert await posted_and_held(dsns.books, BOB) == (1, 0)


@pytest.mark.parametrize(("archived", "is_lost"), [(1, True), (2, False), (3, False)])
async def test_a_row_that_was_archived_is_not_missed(dsns: Dsns, archived: int, is_lost: bool) -> None:
    tail = Tail(Head(2, b"h" * 32, datetime(2026, 11, 22, tzinfo=UTC), 0), None)
    async with connected(dsns.owner) as connection:
        row = "INSERT INTO archives VALUES ('000000', 1, 1, $1, 'head', 'digest', now())"
        await connection.execute(row, archived)
        if is_lost:
            with pytest.raises(TailLost):
                await refuse_lost_tail(connection, tail)
        else:
            await refuse_lost_tail(connection, tail)
