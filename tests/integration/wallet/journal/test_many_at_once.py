"""Many callers, two writers, one database: what a balance can pay is paid once."""

import asyncio
from collections import Counter

import pytest

from node.database import Dsns
from tests.integration.wallet.changes import (
    ALICE,
    BOB,
    count_of,
    credited,
    held,
    paid,
    posted_and_held,
    proven,
    running,
    settled,
    voided,
)
from wallet.errors import HoldNotOpen, InsufficientFunds
from wallet.ids import CustomerId
from wallet.journal import Change, Committed, Journal


async def outcomes(journals: tuple[Journal, ...], changes: list[Change]) -> list[Committed | BaseException]:
    """All at once, by turns over the journals."""
    asked = [journals[n % len(journals)].commit(change) for n, change in enumerate(changes)]
    return await asyncio.gather(*asked, return_exceptions=True)


def told(found: list[Committed | BaseException]) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in found)


@pytest.mark.parametrize("writers", [1, 2])
async def test_led_01_of_64_payments_of_a_whole_balance_exactly_one_is_made(dsns: Dsns, writers: int) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(credited(ALICE, 100))
        changes = [paid(ALICE, BOB, 100, key=f"key-{n}") for n in range(64)]
        found = await outcomes((one, other)[:writers], changes)
    assert told(found) == {"Committed": 1, "InsufficientFunds": 63}
    assert await posted_and_held(dsns.books, ALICE) == (0, 0)
    assert await posted_and_held(dsns.books, BOB) == (100, 0)
    await proven(dsns.books)


async def test_led_01_rounds_of_payments_by_two_writers_never_pay_more_than_there_is(dsns: Dsns) -> None:
    """Small batches that take turns, so that each writer's picture of the balances grows old again and again."""
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(credited(ALICE, 1000))
        made: Counter[str] = Counter()
        for n in range(40):
            changes = [paid(ALICE, BOB, 30 + n), paid(ALICE, BOB, 31 + n), paid(BOB, ALICE, 5)]
            made += told(await outcomes((one, other), changes))
    alice, bob = await posted_and_held(dsns.books, ALICE), await posted_and_held(dsns.books, BOB)
    assert made.keys() == {"Committed", "InsufficientFunds"}
    assert alice[0] >= 0
    assert bob[0] >= 0
    assert alice[0] + bob[0] == 1000
    await proven(dsns.books)


@pytest.mark.parametrize("at_once", [True, False])
async def test_led_03_a_hold_counts_against_what_is_available(dsns: Dsns, journal: Journal, at_once: bool) -> None:
    await journal.commit(credited(ALICE, 5000))
    changes = [held(ALICE, 1000, f"hld_{n}") for n in range(5)] + [paid(ALICE, BOB, 1000)]
    if at_once:
        found = await outcomes((journal,), changes)
    else:
        found = [outcome for change in changes for outcome in await outcomes((journal,), [change])]
    assert told(found) == {"Committed": 5, "InsufficientFunds": 1}
    assert isinstance(found[-1], InsufficientFunds)
    assert found[-1].detail["available"] == "0.00"
    assert await posted_and_held(dsns.books, ALICE) == (5000, 5000)
    await proven(dsns.books)


async def test_led_03_parallel_holds_over_two_writers_never_hold_more_than_there_is(dsns: Dsns) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(credited(ALICE, 5000))
        found = await outcomes((one, other), [held(ALICE, 1000, f"hld_{n}") for n in range(16)])
    assert told(found) == {"Committed": 5, "InsufficientFunds": 11}
    assert await posted_and_held(dsns.books, ALICE) == (5000, 5000)
    await proven(dsns.books)


@pytest.mark.parametrize("parts", [(1000,) * 32, (600, 600) * 16])
async def test_led_04_a_hold_is_settled_at_most_once(dsns: Dsns, parts: tuple[int, ...]) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(credited(ALICE, 5000))
        for name in ("hld_one", "hld_two"):  # what the second holds is no cover for the first
            await one.commit(held(ALICE, 1000, name))
        found = await outcomes((one, other), [settled(ALICE, part, "hld_one") for part in parts])
    assert told(found) == {"Committed": 1, "HoldNotOpen": 31}
    assert await posted_and_held(dsns.books, ALICE) == (5000 - parts[0], 2000 - parts[0])
    await proven(dsns.books)


async def test_a_hold_that_is_voided_cannot_be_settled(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(credited(ALICE, 5000))
    await journal.commit(held(ALICE, 1000, "hld_one"))
    await journal.commit(voided(ALICE, 1000, "hld_one"))
    with pytest.raises(HoldNotOpen):
        await journal.commit(settled(ALICE, 1000, "hld_one"))
    assert await posted_and_held(dsns.books, ALICE) == (5000, 0)


async def test_led_06_crossing_payments_and_rings_by_two_writers_keep_the_total(dsns: Dsns) -> None:
    people = [CustomerId(f"cus_{n}") for n in range(3)]
    async with running(dsns.books) as one, running(dsns.books) as other:
        for person in people:
            await one.commit(credited(person, 100))
        changes = [paid(people[n % 3], people[(n + 1 + n % 2) % 3], 1 + n % 7) for n in range(300)]
        found = await outcomes((one, other), changes)
    assert told(found).keys() <= {"Committed", "InsufficientFunds"}
    assert sum([(await posted_and_held(dsns.books, person))[0] for person in people]) == 300
    assert await count_of(dsns.books, "journal") == told(found)["Committed"] + 3
    await proven(dsns.books)
