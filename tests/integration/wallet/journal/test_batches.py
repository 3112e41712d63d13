"""One transaction for many Changes: each is judged on what those before it in the batch have done, and refused alone."""

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from node.database import Dsns
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
from wallet.errors import AlreadyExists, JournalUnavailable, Stale
from wallet.ids import VaultItemId
from wallet.journal import Change, Committed, EventKind, Insert, Journal, Request, Requirement, Update
from wallet.vault.items import ItemKind, SealedItem

A_DAY = datetime(2026, 11, 22, tzinfo=UTC)


async def together(journal: Journal, *changes: Change) -> list[str]:
    """All in one batch: they queue before the writer wakes."""
    found = await asyncio.gather(*map(journal.commit, changes), return_exceptions=True)
    return [type(outcome).__name__ for outcome in found]


async def asset_row(dsns: Dsns) -> tuple[object, ...]:
    async with connected(dsns.books) as connection:
        (row,) = await connection.fetch("SELECT version, pause_reason FROM assets")
        return tuple(row)


async def test_two_updates_of_one_row_in_one_batch_are_not_both_made(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(listed())
    assert await together(journal, paused(1, "first"), paused(1, "second")) == ["Committed", "Stale"]
    assert await asset_row(dsns) == (2, "first")
    await proven(dsns.books)


async def test_updates_that_follow_each_other_in_one_batch_are_all_made(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(listed())
    assert await together(journal, *(paused(n, f"reason {n}") for n in range(1, 6))) == ["Committed"] * 5
    assert await asset_row(dsns) == (6, "reason 5")
    await proven(dsns.books)


async def test_a_row_made_and_changed_in_one_batch_ends_as_last_written(dsns: Dsns, journal: Journal) -> None:
    assert await together(journal, listed(), paused(1, "at once"), listed()) == [
        "Committed",
        "Committed",
        "AlreadyExists",
    ]
    await proven(dsns.books)


async def test_a_change_that_rests_on_a_row_that_has_changed_is_stale(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(listed())
    await journal.commit(credited(ALICE, 100))
    resting = replace(paid(ALICE, BOB, 10, key="k"), requires=(Requirement("assets", "EUR", 1),))
    assert await together(journal, paused(1, "stop"), resting) == ["Committed", "Stale"]
    with pytest.raises(Stale):
        await journal.commit(resting)
    assert await posted_and_held(dsns.books, BOB) == (0, 0)
    assert await count_of(dsns.books, "requests") == 0  # a stale decision is no answer: it is taken again
    again = replace(resting, requires=(Requirement("assets", "EUR", 2),))
    assert not (await journal.commit(again)).replayed


async def test_a_change_that_rests_on_a_row_that_does_not_exist_is_stale(journal: Journal) -> None:
    with pytest.raises(Stale):
        await journal.commit(replace(credited(ALICE, 1), requires=(Requirement("assets", "EUR", 1),)))


async def test_the_second_writer_of_a_row_is_stale_whichever_journal_it_came_through(dsns: Dsns) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(listed())
        for version in range(1, 31):
            asked = [journal.commit(paused(version, str(journal is one))) for journal in (one, other)]
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert sorted(type(outcome).__name__ for outcome in found) == ["Committed", "Stale"]
    await proven(dsns.books)


async def test_a_handle_that_is_taken_is_refused_alone(dsns: Dsns, journal: Journal) -> None:
    made = [customer(ALICE, "alice"), customer(BOB, "alice"), customer(BOB, "bob")]
    assert await together(journal, *made) == ["Committed", "AlreadyExists", "Committed"]
    with pytest.raises(AlreadyExists):
        await journal.commit(customer("cus_carol", "bob"))
    await proven(dsns.books)


async def test_an_id_that_was_drawn_twice_is_refused_alone_though_nobody_looked_for_it_first(
    dsns: Dsns, journal: Journal
) -> None:
    await journal.commit(credited(ALICE, 100))
    await journal.commit(payment(1, "pay_one"))
    await journal.commit(credited(BOB, 1))  # the Journal's memory of the last batch knows nothing of it any more
    made = [payment(2, "pay_two"), payment(4, "pay_one"), payment(8, "pay_three")]
    assert await together(journal, *made) == ["Committed", "AlreadyExists", "Committed"]
    assert await posted_and_held(dsns.books, ALICE) == (89, 0)
    await proven(dsns.books)


def payment(units: int, name: str) -> Change:
    row = {"id": name, "payer": ALICE, "payee": BOB, "asset": "EUR", "units": units, "note_item": None}
    return replace(paid(ALICE, BOB, units), writes=(Insert("payments", {**row, "created_at": A_DAY}),))


def customer(name: str, handle: str, **more: object) -> Change:
    made = {"id": name, "handle": handle, "name_item": None, "email_item": None, "created_at": A_DAY, **more}
    return Change("node", EventKind.CUSTOMER_CREATED, {"id": name}, writes=(Insert("customers", made),))


# What the database cannot take, though the Journal's judgement finds nothing wrong with it.
POISON = {
    "a column that must not be empty": customer("cus_x", "x", created_at=None),
    "a character that PostgreSQL cannot store": customer("cus_x", "a\0b"),
    "half of a character": customer("cus_x", "caf\udce9"),
    "a number that does not fit": Change(
        "node", EventKind.ASSET_LISTED, {}, writes=(Insert("derivations", {"id": "d", "next": 2**40}),)
    ),
    "a vault item that is there already": Change(
        "node",
        EventKind.CUSTOMER_CREATED,
        {},
        vault=tuple(SealedItem(VaultItemId("vlt_one"), "cus_x", ItemKind.NAME, b"c", bytes(32)) for _ in range(2)),
    ),
    "a key with a character that PostgreSQL cannot store": replace(
        credited(BOB, 5), request=Request("cus_b", "p", "k\0", bytes(32))
    ),
    "a row without its unique column": Change(
        "node", EventKind.CUSTOMER_CREATED, {}, writes=(Insert("customers", {"id": "cus_x"}),)
    ),
    "a row without an id": Change(
        "node", EventKind.CUSTOMER_CREATED, {}, writes=(Insert("customers", {"handle": "x"}),)
    ),
    "a column that does not exist": Change(
        "node", EventKind.ASSET_PAUSED, {}, writes=(Update("assets", "EUR", 1, {"colour": "red"}),)
    ),
}


@pytest.mark.parametrize("poison", list(POISON))
async def test_a_change_that_the_database_cannot_take_fails_alone(dsns: Dsns, journal: Journal, poison: str) -> None:
    await journal.commit(listed())
    good = [credited(ALICE, 10) for _ in range(5)]
    found = await asyncio.gather(*map(journal.commit, [*good[:3], POISON[poison], *good[3:]]), return_exceptions=True)
    assert [isinstance(outcome, Committed) for outcome in found] == [True, True, True, False, True, True]
    assert isinstance(found[3], JournalUnavailable | ValueError | KeyError)
    assert await posted_and_held(dsns.books, ALICE) == (50, 0)
    assert (await journal.commit(credited(ALICE, 10))).seq == 7
    await proven(dsns.books)
