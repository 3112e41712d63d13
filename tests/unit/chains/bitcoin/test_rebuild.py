"""The same payments from the same inputs at a higher fee, by BIP-125's rules 3 and 4."""

from dataclasses import replace

import pytest

from chains.bitcoin.decode import UtxoTx, decode
from chains.bitcoin.rebuild import Price, raised
from tests.unit.chains.bitcoin.material import BOUNDS, BTC, HOT, built, coin, payment
from wallet.ports import FundsShort, Unsigned

PRICE = Price(rate=1_000, fees_units=141, relay_step=1_000, cap_units=1_000_000)


def stuck(change_units: int = 50_000) -> Unsigned:
    """A tx of 141 virtual bytes at 1 unit each."""
    return built((coin(1, 100_000 + 141 + change_units),), payment(100_000))


def again(unsigned: Unsigned, rate: int, price: Price = PRICE) -> tuple[Unsigned, UtxoTx, UtxoTx]:
    tx = decode(unsigned.payload)
    made = raised(tx, replace(price, rate=rate), asset=BTC, dust_rate=BOUNDS.dust_rate)
    return made, tx, decode(made.payload)


def test_wdr_04_only_the_change_becomes_less() -> None:
    made, before, after = again(stuck(), 5_000)
    assert (after.inputs, after.payments) == (before.inputs, before.payments)
    assert made.consumes == stuck().consumes
    assert made.fee_max.units == after.fee_units == 141 * 5
    assert made.change is not None
    assert (made.change.units, made.change.address) == (50_000 - 141 * 4, HOT.address)
    assert made.change.outpoint.partition(":")[0] == after.tx != before.tx


def test_wdr_04_rules_three_and_four_are_the_least() -> None:
    """At the old rate it is still dearer than what it replaces, by the relay's own price of its size."""
    assert again(stuck(), 1_000)[2].fee_units == 141 + 141
    pinned = replace(PRICE, fees_units=20_000)  # somebody spends a payment of ours, at a cost
    assert again(stuck(), 5_000, pinned)[2].fee_units == 20_000 + 141


def test_wdr_04_five_replacements_each_pay_for_themselves() -> None:
    unsigned, fees = stuck(), [141]
    for _ in range(5):
        made, _, after = again(unsigned, 1_000, replace(PRICE, fees_units=fees[-1]))
        assert after.payments == decode(stuck().payload).payments
        unsigned, fees = made, [*fees, after.fee_units]
    assert fees == [141 * count for count in range(1, 7)]


def test_wdr_11_the_present_price_is_followed_up_to_the_cap() -> None:
    capped = replace(PRICE, cap_units=1_000)
    assert again(stuck(), 400_000, capped)[2].fee_units == 1_000
    assert again(stuck(), 400_000, replace(capped, fees_units=990))[2].fee_units == 990 + 141, (
        "for the caller to refuse"
    )


def test_change_that_would_be_dust_goes_to_the_fee_whole() -> None:
    made, before, after = again(stuck(800), 5_000)
    assert (made.change, after.change) == (None, None)
    assert after.payments == before.payments
    assert after.fee_units == 141 + 800


def test_what_the_change_cannot_pay_is_told_and_not_built() -> None:
    with pytest.raises(FundsShort, match="does not suffice"):
        again(stuck(400), 50_000)
    with pytest.raises(FundsShort, match="nothing of this tx comes back"):
        again(built((coin(1, 100_110),), payment(100_000)), 5_000)
