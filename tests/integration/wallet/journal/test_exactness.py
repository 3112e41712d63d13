"""LED-09: whole numbers up to 2^256 − 1 go in and come out bit for bit, and beyond that nothing goes in."""

from collections.abc import Callable

import pytest

from node.database import Dsns
from tests.integration.wallet.changes import (
    ALICE,
    BOB,
    ETH,
    connected,
    count_of,
    credited,
    paid,
    posted_and_held,
    proven,
)
from wallet.errors import BalanceOverflow
from wallet.journal import Journal
from wallet.money import UNITS_MAX, Amount, Asset, parse_amount

EXACT = [1, 2**53 + 1, 10**18 + 1, 10**36 + 7, 2**128 - 1, 2**255 + 1, UNITS_MAX - 1, UNITS_MAX]
BEYOND: list[Callable[[], Amount]] = [
    lambda: Amount(UNITS_MAX + 1, ETH),
    lambda: Amount(-1, ETH),
    lambda: Amount(UNITS_MAX, ETH) + Amount(1, ETH),
    lambda: parse_amount(str(UNITS_MAX + 1), Asset("RAW", 0)),
]


@pytest.mark.parametrize("units", EXACT)
async def test_led_09_units_come_back_bit_for_bit(dsns: Dsns, journal: Journal, units: int) -> None:
    await journal.commit(credited(ALICE, units, ETH))
    await journal.commit(paid(ALICE, BOB, units, asset=ETH))
    assert await posted_and_held(dsns.books, BOB, ETH) == (units, 0)
    async with connected(dsns.books) as connection:
        stored = await connection.fetch("SELECT units::text, credit_posted_after::text AS after FROM transfers")
    assert [(int(row["units"]), int(row["after"])) for row in stored] == [(units, units), (units, units)]
    await proven(dsns.books)


async def test_led_09_eighteen_decimals_survive_the_way_in_and_out(dsns: Dsns, journal: Journal) -> None:
    text = "115792089237316195423570985008687907853269984665640564039457.584007913129639935"
    amount = parse_amount(text, ETH)
    assert amount.units == UNITS_MAX
    await journal.commit(credited(ALICE, amount.units, ETH))
    posted, _ = await posted_and_held(dsns.books, ALICE, ETH)
    assert str(Amount(posted, ETH)) == f"{text} ETH"


@pytest.mark.parametrize("beyond", BEYOND)
def test_led_09_an_amount_beyond_the_cap_does_not_exist(beyond: Callable[[], Amount]) -> None:
    with pytest.raises(ValueError, match=r"2\^256 - 1"):
        beyond()


async def test_led_09_a_balance_beyond_the_cap_is_refused_whole(dsns: Dsns, journal: Journal) -> None:
    await journal.commit(credited(ALICE, UNITS_MAX, ETH))
    with pytest.raises(BalanceOverflow):
        await journal.commit(credited(ALICE, 1, ETH))
    with pytest.raises(BalanceOverflow):
        await journal.commit(credited(BOB, 1, ETH))  # the bank account that it would lie in is full
    assert await posted_and_held(dsns.books, ALICE, ETH) == (UNITS_MAX, 0)
    assert await count_of(dsns.books, "journal") == 1
    await proven(dsns.books)
