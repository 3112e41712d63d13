"""Retries: the same key and meaning is done once and answered the same for ever; another meaning is refused."""

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs

from node.database import Dsns
from tests.integration.wallet.changes import (
    ALICE,
    BOB,
    count_of,
    credited,
    paid,
    posted_and_held,
    proven,
    request,
    running,
)
from wallet.errors import InsufficientFunds, KeyReused, RememberedRefusal
from wallet.journal import Journal
from wallet.journal.body import request_digest


async def test_idm_01_a_hundred_parallel_tries_pay_once_and_are_answered_the_same(dsns: Dsns) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(credited(ALICE, 1000))
        tries = [paid(ALICE, BOB, 10, key="the-key") for _ in range(100)]
        answers = await asyncio.gather(*((one, other)[n % 2].commit(each) for n, each in enumerate(tries)))
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len({(answer.seq, answer.at, tuple(sorted(answer.result.items()))) for answer in answers}) == 1
    assert await posted_and_held(dsns.books, BOB) == (10, 0)
    assert await count_of(dsns.books, "requests") == 1
    await proven(dsns.books)


async def test_idm_01_a_retry_after_a_restart_is_answered_as_the_first_try_was(dsns: Dsns) -> None:
    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 1000))
        first = await journal.commit(paid(ALICE, BOB, 10, key="the-key"))
    async with running(dsns.books) as journal:
        again = await journal.commit(paid(ALICE, BOB, 10, key="the-key"))
    assert again == replace(first, replayed=True)
    assert await posted_and_held(dsns.books, BOB) == (10, 0)


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_idm_02_the_same_key_with_another_meaning_is_refused(
    dsns: Dsns, journal: Journal, in_one_batch: bool
) -> None:
    await journal.commit(credited(ALICE, 5000))
    small, large = paid(ALICE, BOB, 1, key="the-key"), paid(ALICE, BOB, 1000, key="the-key")
    if in_one_batch:
        found = await asyncio.gather(journal.commit(small), journal.commit(large), return_exceptions=True)
        assert isinstance(found[1], KeyReused)
    else:
        await journal.commit(small)
        with pytest.raises(KeyReused):
            await journal.commit(large)
    assert await posted_and_held(dsns.books, BOB) == (1, 0)
    assert (await journal.commit(paid(ALICE, BOB, 1, key="the-key"))).replayed


def test_idm_02_another_spelling_of_the_same_meaning_has_the_same_digest() -> None:
    one = request_digest({"amount": "1.00", "to": "@bob", "note": "caf\u00e9"})
    assert one == request_digest({"note": "caf\u00e9", "to": "@bob", "amount": "1.00"})
    assert one != request_digest({"amount": "1.0", "to": "@bob", "note": "caf\u00e9"})
    assert one != request_digest({"amount": "1.00", "to": "@bob", "note": "cafe\u0301"})


async def test_keys_of_different_owners_and_operations_are_independent(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(credited(ALICE, 100))
    await journal.commit(credited(BOB, 100))
    await journal.commit(paid(ALICE, BOB, 10, key="the-key"))
    assert not (await journal.commit(paid(BOB, ALICE, 10, key="the-key"))).replayed
    other = structs.replace(request(ALICE, "the-key", units=10), operation="withdrawal.request")
    assert not (await journal.commit(structs.replace(paid(ALICE, BOB, 10), request=other))).replayed
    assert await count_of(dsns.books, "requests") == 3


async def test_a_refusal_that_rests_on_state_is_remembered_and_repeated_when_the_state_has_changed(
    dsns: Dsns, journal: Journal
) -> None:
    with pytest.raises(InsufficientFunds) as first:
        await journal.commit(paid(ALICE, BOB, 10, key="the-key"))
    await journal.commit(credited(ALICE, 1000))
    for _ in range(3):
        with pytest.raises(RememberedRefusal) as again:
            await journal.commit(paid(ALICE, BOB, 10, key="the-key"))
        assert again.value.stable_code == first.value.stable_code
        assert (again.value.message, again.value.detail) == (first.value.message, first.value.detail)
    assert await posted_and_held(dsns.books, BOB) == (0, 0)
    with pytest.raises(KeyReused):
        await journal.commit(paid(ALICE, BOB, 11, key="the-key"))


async def test_a_refusal_is_remembered_for_a_try_in_the_same_batch(dsns: Dsns, journal: Journal) -> None:
    tries = [paid(ALICE, BOB, 10, key="the-key"), credited(ALICE, 1000), paid(ALICE, BOB, 10, key="the-key")]
    found = await asyncio.gather(*map(journal.commit, tries), return_exceptions=True)
    assert [type(outcome).__name__ for outcome in found] == ["InsufficientFunds", "Committed", "RememberedRefusal"]
    assert await count_of(dsns.books, "requests") == 1


async def test_recalling_tells_what_was_answered_and_changes_nothing(dsns: Dsns, journal: Journal) -> None:
    change = paid(ALICE, BOB, 10, key="the-key")
    assert change.request is not None
    assert await journal.recall(change.request) is None
    await journal.commit(credited(ALICE, 1000))
    first = await journal.commit(change)
    assert await journal.recall(change.request) == replace(first, replayed=True)
    with pytest.raises(KeyReused):
        await journal.recall(request(ALICE, "the-key", units=11))


async def test_a_caller_that_goes_away_leaves_the_change_whole(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(credited(ALICE, 1000))
    asking = asyncio.create_task(journal.commit(paid(ALICE, BOB, 10, key="the-key")))
    await asyncio.sleep(0)  # it has queued; now the client hangs up
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert (await journal.commit(paid(ALICE, BOB, 10, key="the-key"))).replayed
    assert await posted_and_held(dsns.books, BOB) == (10, 0)
