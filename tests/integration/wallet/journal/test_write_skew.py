"""LED-07: two decisions that each look right alone, on what both have read, never both pass a rule that they break together.

Two writers, as two processes would be; the head row orders them, and each judges on what the other has left behind. In one
batch the order does the same.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from node.database import Dsns
from tests.integration.wallet.changes import connected, listed, proven, running
from wallet.errors import BeyondObserved, Stale
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Change, Committed, EventKind, Journal, Requirement, Update
from wallet.journal.change import Ceiling
from wallet.ledger import accounts, templates
from wallet.money import Amount, Asset

EUR = Asset("EUR", 2)
ANN = CustomerId("cus_ann")
ROUNDS = 25


@pytest.fixture
async def other(dsns: Dsns) -> AsyncIterator[Journal]:
    async with running(dsns.books) as made:
        yield made


async def both(one: Journal, two: Journal, first: Change, second: Change) -> tuple[Committed | BaseException, ...]:
    return await asyncio.gather(one.commit(first), two.commit(second), return_exceptions=True)


def arrived(network: NetworkId, *, swept_later: bool) -> Change:
    """60 of the 100 that the network states, at one of the two places over which the rule goes."""
    entry = templates.deposit_credited(ANN, network, Amount(60, EUR), swept_later=swept_later)
    places = (accounts.hot(network, EUR), accounts.deposits(network, EUR))
    return Change("node", EventKind.DEPOSIT_CREDITED, {}, entry=entry, ceilings=(Ceiling(places, 100),))


@pytest.mark.parametrize("writers", [1, 2], ids=["in one batch", "of two writers"])
async def test_led_07_two_credits_at_two_places_never_pass_the_ceiling_over_both(
    dsns: Dsns, journal: Journal, other: Journal, writers: int
) -> None:
    for number in range(ROUNDS):
        network = NetworkId(f"net{number}")
        hot, unswept = arrived(network, swept_later=False), arrived(network, swept_later=True)
        ends = await both(journal, other if writers == 2 else journal, hot, unswept)
        assert sorted(type(end).__name__ for end in ends) == ["BeyondObserved", "Committed"]
        assert sum(isinstance(end, BeyondObserved) for end in ends) == 1
    async with connected(dsns.books) as connection:
        held = (
            "SELECT sum(debits_posted - credits_posted) FROM accounts WHERE owner = 'house'"
            " GROUP BY split_part(code, '@', 2)"
        )
        assert {int(row[0]) for row in await connection.fetch(held)} == {60}
    await proven(dsns.books)


def last_but_one_pauses(symbol: str, other_symbol: str, version: int) -> Change:
    """Pause this asset, since the other one is not: the classic skew, where each writes the row that the other has read."""
    update = Update("assets", symbol, version, {"paused": True, "pause_reason": "at most one of two"})
    needs = (Requirement("assets", other_symbol, version),)
    return Change("node", EventKind.ASSET_PAUSED, {"asset": symbol}, requires=needs, writes=(update,))


@pytest.mark.parametrize("writers", [1, 2], ids=["in one batch", "of two writers"])
async def test_led_07_two_who_each_read_the_row_that_the_other_writes_never_both_write(
    dsns: Dsns, journal: Journal, other: Journal, writers: int
) -> None:
    for number in range(ROUNDS):
        left, right = f"L{number}", f"R{number}"
        await asyncio.gather(journal.commit(listed(left)), journal.commit(listed(right)))
        first, second = last_but_one_pauses(left, right, 1), last_but_one_pauses(right, left, 1)
        ends = await both(journal, other if writers == 2 else journal, first, second)
        assert sorted(type(end).__name__ for end in ends) == ["Committed", "Stale"]
        assert sum(isinstance(end, Stale) for end in ends) == 1
    async with connected(dsns.books) as connection:
        assert await connection.fetchval("SELECT count(*) FROM assets WHERE paused") == ROUNDS
    await proven(dsns.books)
