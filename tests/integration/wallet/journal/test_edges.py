"""The Journal where something beside it is not as it should be: it says so, nothing is written, and it goes on."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from node.clock import SystemClock
from node.database import Dsns
from node.processes import attempts
from tests.integration.wallet.changes import (
    ALICE,
    BOB,
    connected,
    count_of,
    credited,
    listed,
    paid,
    paused,
    posted_and_held,
    proven,
    running,
)
from tests.integration.wallet.cutting import Cut, CuttingLine
from wallet.errors import InsufficientFunds, JournalUnavailable, KeyReused, OutcomeUnknown, RememberedRefusal, Stale
from wallet.ids import VaultItemId
from wallet.journal import Journal, Requirement, lanes, writer
from wallet.journal.connection import connect
from wallet.journal.lanes import Lane
from wallet.vault.items import ItemKind, SealedItem

LOCK = "SELECT FROM journal_head FOR UPDATE"


class DroppingLine(CuttingLine):
    """Between us and the server, as a pooler is: it does not pass on the setting that a client asks for."""

    def __init__(self, dsn: str, folder: Path, setting: bytes) -> None:
        super().__init__(dsn, folder)
        self._setting = setting
        self.dropped = 0

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await super()._reach()
        plain, setting, line = writer.write, self._setting, self

        def write(chunk: bytes) -> None:
            if not line.dropped and setting + b"\0" in chunk:  # the first message alone has settings
                line.dropped += 1
                chunk = chunk.replace(setting + b"\0", b"application_name\0")
                chunk = len(chunk).to_bytes(4, "big") + chunk[4:]
            plain(chunk)

        writer.write = write  # type: ignore[method-assign, assignment]
        return reader, writer


@pytest.mark.parametrize("setting", ["idle_in_transaction_session_timeout", "lock_timeout"])
async def test_a_line_that_drops_our_settings_is_not_taken(dsns: Dsns, setting: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with DroppingLine(dsns.books, Path(folder), setting.encode()) as line:
            with pytest.raises(JournalUnavailable, match=f"does not keep {setting}"):
                await connect(line.dsn)
            assert line.dropped == 1


async def test_a_journal_that_never_began_takes_nothing_and_stops(dsns: Dsns) -> None:
    journal = Journal(dsns.books, SystemClock())
    with pytest.raises(JournalUnavailable, match="not running"):
        await journal.commit(credited(ALICE, 100))
    await journal.stop()
    assert await count_of(dsns.books, "journal") == 0


async def test_a_stopped_journal_takes_nothing(dsns: Dsns) -> None:
    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 100))
    with pytest.raises(JournalUnavailable, match="not running"):
        await journal.commit(credited(ALICE, 100))
    assert await posted_and_held(dsns.books, ALICE) == (100, 0)


@asynccontextmanager
async def head_taken(dsn: str) -> AsyncIterator[None]:
    """Somebody else holds the head: what comes waits."""
    async with connected(dsn) as other, other.transaction():
        await other.execute(LOCK)
        yield


async def until(journal: Journal, waiting: int) -> None:
    async for _ in attempts(20.0):
        if journal.waiting == waiting:
            return
    raise TimeoutError(f"{journal.waiting} wait")


@pytest.mark.parametrize("lane", list(Lane))
async def test_whoever_comes_to_a_full_lane_is_told_at_once_and_the_others_are_served(
    dsns: Dsns, monkeypatch: pytest.MonkeyPatch, lane: Lane
) -> None:
    monkeypatch.setattr(lanes, "QUEUE_MAX", 3)
    async with running(dsns.books) as journal:
        async with head_taken(dsns.books):
            first = asyncio.create_task(journal.commit(credited(ALICE, 1)))
            await asyncio.sleep(0)
            await until(journal, 0)  # it is being written; those that come now wait in their lane
            more = [asyncio.create_task(journal.commit(credited(ALICE, 1), lane)) for _ in range(20)]
            done, _ = await asyncio.wait(more, timeout=5, return_when=asyncio.FIRST_EXCEPTION)
            refused = [task for task in done if task.exception() is not None]
            assert refused
            assert journal.is_full is (lane is Lane.INTERACTIVE)
        ends = await asyncio.gather(first, *more, return_exceptions=True)
    told = [end for end in ends if isinstance(end, BaseException)]
    assert {str(end) for end in told} == {str(JournalUnavailable("too many changes are waiting"))}
    assert await posted_and_held(dsns.books, ALICE) == (21 - len(told), 0)


class FaultyClock(SystemClock):
    """Works until it is told not to."""

    broken = False

    def now(self) -> datetime:
        if self.broken:
            raise RuntimeError("no time")
        return datetime.now(UTC)


async def test_a_writer_with_a_fault_of_its_own_says_that_it_does_not_know_and_takes_no_more(dsns: Dsns) -> None:
    clock = FaultyClock()
    journal = Journal(dsns.books, clock)
    await journal.start()
    await journal.commit(credited(ALICE, 100))
    journal.check()
    clock.broken = True
    with pytest.raises(OutcomeUnknown):
        await asyncio.wait_for(journal.commit(paid(ALICE, BOB, 1)), 20)
    async for _ in attempts(20.0):
        try:
            await asyncio.wait_for(journal.commit(paid(ALICE, BOB, 1)), 20)
        except JournalUnavailable:
            break
        except OutcomeUnknown:
            continue
    with pytest.raises(JournalUnavailable, match="broken off"):
        journal.check()
    await journal.stop()
    assert await count_of(dsns.books, "journal") == 1
    await proven(dsns.books)


async def test_a_database_that_cannot_be_reached_is_said_within_the_limit(
    dsns: Dsns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CONNECT_LIMIT_S", 0.3)
    with tempfile.TemporaryDirectory() as folder:
        async with CuttingLine(dsns.books, Path(folder)) as line:
            journal = Journal(line.dsn, SystemClock())
            await journal.start()
            await journal.commit(credited(ALICE, 100))
        async with connected(dsns.books) as killer:
            await killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'coffer-journal' AND datname = current_database()"
            )
        with pytest.raises((JournalUnavailable, OutcomeUnknown)):
            await asyncio.wait_for(journal.commit(paid(ALICE, BOB, 1)), 60)
        await journal.stop()
    assert await count_of(dsns.books, "journal") == 1


async def test_a_value_that_the_driver_cannot_send_fails_alone(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(credited(ALICE, 100))
    wrong = SealedItem(VaultItemId("vlt_one"), ALICE, ItemKind.NAME, "no bytes", bytes(32))  # type: ignore[arg-type]
    ends = await asyncio.gather(
        journal.commit(paid(ALICE, BOB, 1)),
        journal.commit(structs.replace(paid(ALICE, BOB, 2), vault=(wrong,))),
        journal.commit(paid(ALICE, BOB, 3)),
        return_exceptions=True,
    )
    assert isinstance(ends[1], JournalUnavailable)
    assert await posted_and_held(dsns.books, BOB) == (4, 0)
    await proven(dsns.books)


async def test_without_a_head_nothing_is_written(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(credited(ALICE, 100))
    async with connected(dsns.owner) as owner:
        await owner.execute("CREATE TABLE kept AS SELECT * FROM journal_head")
        await owner.execute("DELETE FROM journal_head")
        with pytest.raises(JournalUnavailable, match="nothing was written"):
            await journal.commit(paid(ALICE, BOB, 1))
        await owner.execute("INSERT INTO journal_head SELECT * FROM kept; DROP TABLE kept")
    await journal.commit(paid(ALICE, BOB, 1))
    assert await posted_and_held(dsns.books, BOB) == (1, 0)
    await proven(dsns.books)


async def test_a_database_that_does_not_do_what_was_judged_is_not_believed(dsns: Dsns, journal: Journal) -> None:
    """A trigger keeps one account from moving: everything is rolled back, whatever else the statement did."""
    await journal.commit(credited(ALICE, 100))
    await journal.commit(paid(ALICE, BOB, 1))
    async with connected(dsns.owner) as owner:
        await owner.execute(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
            f"CREATE TRIGGER keep BEFORE UPDATE ON accounts FOR EACH ROW WHEN (OLD.owner = '{BOB}') EXECUTE FUNCTION keep()"
        )
        with pytest.raises(JournalUnavailable, match="nothing was written"):
            await journal.commit(paid(ALICE, BOB, 1))
        await owner.execute("DROP TRIGGER keep ON accounts")
    assert await posted_and_held(dsns.books, ALICE) == (99, 0)
    await journal.commit(paid(ALICE, BOB, 1))
    assert await posted_and_held(dsns.books, BOB) == (2, 0)
    await proven(dsns.books)


async def test_a_row_that_was_changed_past_the_journal_is_not_written_over(dsns: Dsns, journal: Journal) -> None:
    """What the writer remembers of its version is judged on, and the row itself is asked once more."""
    await journal.commit(listed())
    await journal.commit(structs.replace(credited(ALICE, 100), requires=(Requirement("assets", "EUR", 1),)))
    assert journal._image.versions == {("assets", "EUR"): 1}, "it is looked up: the test would say nothing"
    async with connected(dsns.owner) as owner:
        await owner.execute("UPDATE assets SET version = 7")
        with pytest.raises(JournalUnavailable, match="nothing was written"):
            await journal.commit(paused(1, "on what was"))
        (row,) = await owner.fetch("SELECT version, pause_reason FROM assets")
        assert tuple(row) == (7, None)
    with pytest.raises(Stale):
        await journal.commit(paused(1, "on what was"))


async def test_an_answer_whose_journal_row_is_gone_is_not_made_up(dsns: Dsns) -> None:
    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 100))
        await journal.commit(paid(ALICE, BOB, 1, key="k"))
        await journal.commit(credited(ALICE, 100))
    async with connected(dsns.owner) as owner:
        await owner.execute("ALTER TABLE journal DISABLE TRIGGER USER; DELETE FROM journal WHERE seq = 2")
    async with running(dsns.books) as journal:
        with pytest.raises(JournalUnavailable, match="nothing was written"):
            await journal.commit(paid(ALICE, BOB, 1, key="k"))
    assert await posted_and_held(dsns.books, BOB) == (1, 0)


async def test_a_standby_that_does_not_confirm_leaves_the_outcome_unknown(dsns: Dsns, journal: Journal) -> None:
    """The server's own words, here said by a trigger: the commit stands at the primary, and may be lost with it."""
    async with connected(dsns.owner) as owner:
        await owner.execute(
            "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE WARNING 'canceling wait for synchronous replication due to user request'; RETURN NULL; END $$;"
            "CREATE TRIGGER warn AFTER INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION warn()"
        )
        with pytest.raises(OutcomeUnknown):
            await journal.commit(credited(ALICE, 100))
        await owner.execute("DROP TRIGGER warn ON journal")
    assert (await journal.commit(credited(ALICE, 1))).seq == 2
    assert await posted_and_held(dsns.books, ALICE) == (101, 0)


async def test_what_was_answered_can_be_asked_for(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(credited(ALICE, 100))
    made, refused, never = (paid(ALICE, BOB, units, key=f"k{units}") for units in (1, 1_000, 2))
    first = await journal.commit(made)
    with pytest.raises(InsufficientFunds):
        await journal.commit(refused)
    assert made.request is not None
    assert refused.request is not None
    assert never.request is not None
    assert await journal.recall(made.request) == replace(first, replayed=True)
    assert await journal.recall(never.request) is None
    with pytest.raises(RememberedRefusal):
        await journal.recall(refused.request)
    with pytest.raises(KeyReused):
        await journal.recall(structs.replace(made.request, digest=b"other"))
    assert await journal.recall_each([]) == []


async def test_the_line_is_lost_before_anything_was_sent_and_the_change_is_written_on_the_next(
    dsns: Dsns, journal: Journal
) -> None:
    await journal.commit(credited(ALICE, 100))
    async with connected(dsns.books) as killer:
        ended = await killer.fetchval(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'coffer-journal' AND datname = current_database()"
        )
    assert ended >= 1
    await journal.commit(paid(ALICE, BOB, 1))
    assert await posted_and_held(dsns.books, BOB) == (1, 0)


async def test_while_it_is_held_back_whoever_asks_is_told_why_and_nothing_is_written(
    dsns: Dsns, journal: Journal
) -> None:
    await journal.commit(credited(ALICE, 100))
    held, full = [], []
    for reason in ("the disk is nearly full", None):
        journal.held_back = reason
        full.append(journal.is_full)
        try:
            await journal.commit(paid(ALICE, BOB, 2))
        except JournalUnavailable as told:
            held.append(str(told))
    assert full == [True, False]
    assert held == ["the disk is nearly full"]
    assert await posted_and_held(dsns.books, BOB) == (2, 0)


async def test_an_earlier_answer_is_found_though_the_line_for_such_questions_was_lost(dsns: Dsns) -> None:
    """It is noticed only when the question is sent."""
    with tempfile.TemporaryDirectory() as folder:
        async with CuttingLine(dsns.books, Path(folder)) as line, running(line.dsn) as journal:
            await journal.commit(credited(ALICE, 100))
            change = paid(ALICE, BOB, 1, key="k")
            assert change.request is not None
            first = await journal.commit(change)
            assert await journal.recall(change.request) == replace(first, replayed=True)
            line.cut, line.cut_in = Cut.BEFORE, 0
            assert await journal.recall(change.request) == replace(first, replayed=True)
            assert line.cuts == 1


async def test_whatever_else_the_server_remarks_does_not_make_a_commit_unknown(dsns: Dsns, journal: Journal) -> None:
    async with connected(dsns.owner) as owner:
        await owner.execute(
            "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE WARNING 'the weather is fine'; RETURN NULL; END $$;"
            "CREATE TRIGGER warn AFTER INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION warn()"
        )
        assert (await journal.commit(credited(ALICE, 100))).seq == 1
        await owner.execute("DROP TRIGGER warn ON journal")


async def test_whoever_has_gone_away_is_not_told_and_the_others_are(dsns: Dsns, journal: Journal) -> None:
    """Also where the batch fails."""
    async with connected(dsns.owner) as owner:
        await owner.execute("CREATE TABLE kept AS SELECT * FROM journal_head; DELETE FROM journal_head")
        gone, stays = (journal.submit(credited(ALICE, 100)) for _ in range(2))
        gone.cancel()
        with pytest.raises(JournalUnavailable, match="nothing was written"):
            await stays
        await owner.execute("INSERT INTO journal_head SELECT * FROM kept; DROP TABLE kept")
    gone, stays = (journal.submit(credited(ALICE, 100)) for _ in range(2))
    gone.cancel()
    assert (await stays).seq == 2, "who goes away undoes nothing"
    assert await posted_and_held(dsns.books, ALICE) == (200, 0)
