"""Reading the journal: what one viewer may see of it, and which Change made a row."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from msgspec import structs

from node.database import Dsns
from node.processes import attempts
from tests.fakes.clock import StillClock
from tests.fakes.world import World, second_instance
from tests.integration.wallet.changes import ALICE, BOB, connected, count_of, credited, paid
from wallet.journal import Change, EventKind, Insert, Journal
from wallet.journal.events import events_after
from wallet.journal.find_receipt import CLOCKS_APART_MAX, find_insert
from wallet.journal.keys import list_journal_key

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVE = "cus_eve"


async def test_a_viewer_sees_their_own_events_in_order_and_nothing_of_the_inside(world: World) -> None:
    journal, context = world.context.journal, world.context
    first = (await journal.commit(credited(ALICE, 100))).seq
    made = [await journal.commit(paid(ALICE, BOB, units, key=f"k{units}")) for units in (1, 2, 3)]
    await journal.commit(credited(BOB, 5))
    seen = await events_after(context, ALICE, (0, 0), 100)
    assert [seq for (seq, _), _ in seen] == [first, *(each.seq for each in made)]
    assert seen[1][1] == {
        "type": "payment.sent",
        "at": made[0].at.astimezone(UTC).isoformat(timespec="microseconds"),
        "data": dict(made[0].result),
    }
    assert [seq for (seq, _), _ in await events_after(context, ALICE, (first, 0), 2)] == [made[0].seq, made[1].seq]
    assert await events_after(context, ALICE, (made[2].seq, 0), 100) == []
    assert await events_after(context, EVE, (0, 0), 100) == []


async def test_a_key_is_put_on_record_once_whoever_comes_first(world: World, dsns: Dsns, tmp_path: Path) -> None:
    before = await count_of(dsns.books, "journal")
    await list_journal_key(world.context, "key_one")
    await list_journal_key(world.context, "key_one")
    async with second_instance(world, dsns, tmp_path) as other:
        async with connected(dsns.books) as holder, holder.transaction():
            await holder.execute("SELECT FROM journal_head FOR UPDATE")  # until both have seen that it is not there
            both = [asyncio.create_task(list_journal_key(each.context, "key_two")) for each in (world, other)]
            async for _ in attempts(10.0):
                if all(each.context.journal._under_way for each in (world, other)):
                    break
            assert not any(each.done() for each in both)
        await asyncio.gather(*both)
    assert await count_of(dsns.books, "journal") == before + 2
    async with connected(dsns.books) as connection:
        rows = await connection.fetch("SELECT id, version FROM journal_keys WHERE id LIKE 'key_%' ORDER BY id")
        assert [tuple(row) for row in rows] == [("key_one", 1), ("key_two", 1)]


def speaks_of(name: str) -> Change:
    """Alice sees it, and it makes something else."""
    row = {"id": "pay_else", "payer": ALICE, "payee": BOB, "asset": "EUR", "units": 1, "created_at": NOON}
    return Change(ALICE, EventKind.PAYMENT_SENT, {"of": name}, writes=(Insert("payments", row),), viewers=(ALICE,))


def makes(name: str, at: datetime) -> Change:
    row = {"id": name, "payer": ALICE, "payee": BOB, "asset": "EUR", "units": 1, "created_at": at}
    return structs.replace(paid(ALICE, BOB, 1), writes=(Insert("payments", row),))


@pytest.fixture
async def still(dsns: Dsns) -> AsyncIterator[tuple[StillClock, Journal, asyncpg.Connection]]:
    clock = StillClock(NOON)
    journal = Journal(dsns.books, clock)
    await journal.start()
    await journal.commit(credited(ALICE, 100))
    async with connected(dsns.books) as connection:
        yield clock, journal, connection
    await journal.stop()


Still = tuple[StillClock, Journal, asyncpg.Connection]


async def test_the_change_that_made_a_row_is_found_by_those_who_see_it(still: Still) -> None:
    _, journal, connection = still
    await journal.commit(speaks_of("pay_one"))
    made = await journal.commit(makes("pay_one", NOON))
    for viewer in (ALICE, BOB):
        assert await find_insert(connection, viewer, "payments", "pay_one", NOON) == made.seq
    assert await find_insert(connection, EVE, "payments", "pay_one", NOON) is None
    assert await find_insert(connection, ALICE, "withdrawals", "pay_one", NOON) is None
    assert await find_insert(connection, ALICE, "payments", "pay_on", NOON) is None


async def test_it_is_found_though_it_was_written_long_after_its_row_was_made(still: Still) -> None:
    clock, journal, connection = still
    await journal.commit(speaks_of("pay_late"))
    clock.at += 3 * CLOCKS_APART_MAX
    made = await journal.commit(makes("pay_late", NOON))
    assert await find_insert(connection, ALICE, "payments", "pay_late", NOON) == made.seq


async def test_clocks_that_differ_hide_it_no_further_than_they_may(still: Still) -> None:
    _, journal, connection = still
    made = await journal.commit(makes("pay_one", NOON))
    near, far = NOON + CLOCKS_APART_MAX, NOON + CLOCKS_APART_MAX + timedelta(microseconds=1)
    assert await find_insert(connection, ALICE, "payments", "pay_one", near) == made.seq
    assert await find_insert(connection, ALICE, "payments", "pay_one", far) is None, "nothing was written since"
