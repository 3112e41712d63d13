"""IDM-06: a key is remembered for its time and then forgotten, on record. Inside the window a retry is answered; after it a
client reference is still refused. What somebody else removes is found."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from msgspec import structs

from node.database import Dsns
from node.migrations.apply import prepare_partitions
from node.workers.forget_requests import forget_old_requests
from tests.fakes.clock import StillClock
from tests.fakes.world import World, running_world
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid, posted_and_held, proven
from wallet.errors import AlreadyExists
from wallet.journal import Change, Insert, Journal
from wallet.journal.change import Committed
from wallet.journal.forget_requests import REMEMBERED_DAYS, forget_requests
from wallet.proofs.verify import BooksBroken, verify

NOW = datetime.now(UTC)
OLD, RECENT = NOW - timedelta(days=REMEMBERED_DAYS + 10), NOW - timedelta(days=REMEMBERED_DAYS - 1)


def order(key: str, payment: str) -> Change:
    """A payment of 0.01 with a reference of its payer's, which is its key."""
    row = {
        "id": payment,
        "payer": ALICE,
        "payee": BOB,
        "asset": "EUR",
        "units": 1,
        "note_item": None,
        "created_at": NOW,
        "client_reference": key,
    }
    return structs.replace(paid(ALICE, BOB, 1, key=key), writes=(Insert("payments", row),))


async def committed_at(dsns: Dsns, at: datetime, *changes: Change) -> list[Committed]:
    async with connected(dsns.owner) as owner:
        await prepare_partitions(owner, at)
    journal = Journal(dsns.books, StillClock(at))
    await journal.start()
    try:
        return [await journal.commit(change) for change in changes]
    finally:
        await journal.stop()


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    """Books in which a payment was made long ago, and one within the time that is remembered."""
    await committed_at(dsns, OLD, credited(ALICE, 100), order("old", "pay_old"))
    await committed_at(dsns, RECENT, order("recent", "pay_recent"))
    async with running_world(dsns, tmp_path) as running:
        await running.context.journal.commit(order("new", "pay_new"))
        yield running


async def remembered(dsns: Dsns) -> list[str]:
    async with connected(dsns.books) as connection:
        return [
            row["key"]
            for row in await connection.fetch("SELECT key FROM requests WHERE owner = $1 ORDER BY day", ALICE)
        ]


async def owner_did(dsns: Dsns, statement: str) -> None:
    async with connected(dsns.owner) as owner:
        await owner.execute(statement)


async def test_idm_06_old_days_are_forgotten_on_record_and_the_books_prove_as_before(dsns: Dsns, world: World) -> None:
    assert await remembered(dsns) == ["old", "recent", "new"]
    await proven(dsns.books)
    for _ in range(2):
        await forget_old_requests(world.context, dsns.owner)
    assert await remembered(dsns) == ["recent", "new"]
    async with connected(dsns.books) as connection:
        kept = await connection.fetchval("SELECT forgotten_before FROM retentions WHERE id = 'requests'")
        told = await connection.fetchval("SELECT count(*) FROM journal WHERE kind = 'requests.forgotten'")
    assert kept <= NOW - timedelta(days=REMEMBERED_DAYS) < kept + timedelta(days=1)
    assert told == 1
    await proven(dsns.books)


async def test_idm_06_inside_the_window_a_retry_is_answered_and_after_it_a_reference_is_refused(
    dsns: Dsns, world: World
) -> None:
    await forget_old_requests(world.context, dsns.owner)
    journal = world.context.journal
    for key in ("recent", "new"):
        assert (await journal.commit(order(key, f"pay_{key}_again"))).replayed
    with pytest.raises(AlreadyExists, match="client_reference"):
        await journal.commit(order("old", "pay_old_again"))
    assert await posted_and_held(dsns.books, BOB) == (3, 0)
    await proven(dsns.books)


async def test_idm_06_a_clock_that_runs_ahead_forgets_nothing_early(dsns: Dsns, world: World) -> None:
    context, ahead = world.context, NOW + timedelta(days=400)
    before = await forget_requests(replace(context, clock=StillClock(ahead)), NOW)
    assert before is not None
    assert before <= NOW - timedelta(days=REMEMBERED_DAYS)
    assert await forget_requests(context, ahead) == before
    behind = await forget_requests(replace(context, clock=StillClock(OLD)), ahead)
    assert behind == before


async def test_idm_06_a_step_that_broke_off_before_the_drop_is_finished_by_the_next(dsns: Dsns, world: World) -> None:
    await forget_requests(world.context, NOW)
    assert await remembered(dsns) == ["old", "recent", "new"]
    await proven(dsns.books)
    await forget_old_requests(world.context, dsns.owner)
    assert await remembered(dsns) == ["recent", "new"]
    await proven(dsns.books)


async def test_idm_06_books_without_anything_old_forget_nothing(dsns: Dsns, tmp_path: Path) -> None:
    async with running_world(dsns, tmp_path) as young:
        await forget_old_requests(young.context, dsns.owner)
        async with connected(dsns.books) as connection:
            assert await connection.fetchval("SELECT count(*) FROM retentions") == 0


TAMPERINGS = (
    f"DROP TABLE requests_{RECENT:%Y%m%d}",
    "DELETE FROM requests WHERE key = 'recent'",
    "UPDATE requests SET day = day + 1 WHERE key = 'recent'",
    "UPDATE requests SET day = day - 1 WHERE key = 'new'",
    "UPDATE requests SET key = 'other' WHERE key = 'new'",
    "UPDATE retentions SET forgotten_before = forgotten_before + interval '20 days'",
    "DELETE FROM retentions",
    "INSERT INTO requests SELECT day, owner, operation, 'forged', digest, seq, refusal FROM requests WHERE key = 'new'",
)


async def test_aud_01_a_request_that_somebody_else_made_forgotten_is_found(dsns: Dsns, world: World) -> None:
    await forget_old_requests(world.context, dsns.owner)
    async with connected(dsns.owner) as connection:
        await verify(connection)
        for tampering in TAMPERINGS:
            undone = connection.transaction(isolation="repeatable_read")
            await undone.start()
            await connection.execute(tampering)
            with pytest.raises(BooksBroken, match=r"requests|retentions"):
                await verify(connection)
            await undone.rollback()


async def test_aud_01_an_old_day_that_was_dropped_without_a_record_is_found(dsns: Dsns, world: World) -> None:
    await proven(dsns.books)
    await owner_did(dsns, f"DROP TABLE requests_{OLD:%Y%m%d}")
    with pytest.raises(BooksBroken, match="requests differ from the journal at journal row 2"):
        await proven(dsns.books)


async def test_the_books_role_may_not_forget(dsns: Dsns, world: World) -> None:
    async with connected(dsns.books) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM requests")
    assert await remembered(dsns) == ["old", "recent", "new"]
