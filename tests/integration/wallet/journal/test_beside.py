"""What is judged while the batch before it is still on its way: the database does not show that one, and yet it counts."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from node.database import Dsns
from node.processes import attempts
from tests.integration.wallet.changes import (
    ALICE,
    BOB,
    EUR,
    connected,
    credited,
    held,
    listed,
    paid,
    paused,
    posted_and_held,
    proven,
    voided,
)
from wallet.errors import AlreadyExists, HoldNotOpen, InsufficientFunds, KeyReused, RememberedRefusal, Stale
from wallet.ids import CustomerId
from wallet.journal import Change, Committed, EventKind, Insert, Journal
from wallet.ledger.accounts import customer_balance

MARKS = (CustomerId("cus_one"), CustomerId("cus_two"))  # paid a cent each, by which one sees that a batch was judged


def named(owner: str, handle: str) -> Change:
    row = {"id": owner, "handle": handle, "created_at": datetime(2026, 11, 22, tzinfo=UTC)}
    return Change("node", EventKind.CUSTOMER_CREATED, {"id": owner}, writes=(Insert("customers", row),))


async def judged_beside(dsns: Dsns, journal: Journal, first: Change, second: Change) -> list[object]:
    """How both end, if the second is judged while the first is on its way: the head is held until then."""
    epoch = journal._image.epoch
    marks = [credited(each, 1) for each in MARKS]
    async with connected(dsns.books) as holder, holder.transaction():
        await holder.execute("SELECT FROM journal_head FOR UPDATE")
        ends = [journal.submit(first), journal.submit(marks[0])]
        await until_judged(journal, MARKS[0])
        ends += [journal.submit(second), journal.submit(marks[1])]
        await until_judged(journal, MARKS[1])
        assert not any(end.done() for end in ends), "the head was not held: the test would say nothing"
    before, mark, beside, other = await asyncio.gather(*ends, return_exceptions=True)
    assert isinstance(mark, Committed)
    assert isinstance(other, Committed)
    assert journal._image.epoch == epoch, "one of them failed, and each was judged once more by itself"
    return [before, beside]


async def until_judged(journal: Journal, owner: CustomerId) -> None:
    async for _ in attempts(10.0):
        if customer_balance(owner, EUR).id in journal._image.last.totals:
            return
    raise TimeoutError(f"the batch with a credit for {owner} is not judged beside another")


Case = tuple[Callable[[], Change], Callable[[], Change], type]
CASES: dict[str, Case] = {
    "a row that it made": (listed, lambda: paused(1, "look"), Committed),
    "a row that it made, twice": (listed, listed, AlreadyExists),
    "a row at the version before it": (listed, lambda: paused(2, "never"), Stale),
    "a hold that it placed": (lambda: held(ALICE, 30, "h"), lambda: voided(ALICE, 30, "h"), Committed),
    "more than the hold that it placed": (lambda: held(ALICE, 30, "h"), lambda: voided(ALICE, 31, "h"), HoldNotOpen),
    "a hold's name that it took": (lambda: held(ALICE, 30, "h"), lambda: held(ALICE, 1, "h"), AlreadyExists),
    "a handle that it took": (lambda: named("cus_one", "ann"), lambda: named("cus_two", "ann"), AlreadyExists),
    "what it spent": (lambda: paid(ALICE, BOB, 60), lambda: paid(ALICE, BOB, 60), InsufficientFunds),
    "what it brought": (lambda: paid(ALICE, BOB, 60), lambda: paid(BOB, ALICE, 60), Committed),
    "its key for something else": (
        lambda: paid(ALICE, BOB, 1, key="k"),
        lambda: paid(ALICE, BOB, 2, key="k"),
        KeyReused,
    ),
}


@pytest.mark.parametrize("what", CASES)
async def test_what_the_batch_before_has_done_counts_before_the_database_shows_it(
    dsns: Dsns, journal: Journal, what: str
) -> None:
    first, second, expected = CASES[what]
    await journal.commit(credited(ALICE, 100))
    before, beside = await judged_beside(dsns, journal, first(), second())
    assert isinstance(before, Committed)
    assert type(beside) is expected
    await proven(dsns.books)


async def test_what_the_batch_before_has_answered_is_answered_again(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(credited(ALICE, 100))
    made, again = await judged_beside(dsns, journal, paid(ALICE, BOB, 60, key="k"), paid(ALICE, BOB, 60, key="k"))
    assert isinstance(made, Committed)
    assert again == replace(made, replayed=True)
    refused, once_more = await judged_beside(
        dsns, journal, paid(ALICE, BOB, 60, key="r"), paid(ALICE, BOB, 60, key="r")
    )
    assert isinstance(refused, InsufficientFunds)
    assert isinstance(once_more, RememberedRefusal)
    assert once_more.message == refused.message
    assert await posted_and_held(dsns.books, BOB) == (60, 0)
