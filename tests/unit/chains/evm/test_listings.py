from dataclasses import replace

import pytest

from chains.evm.listings import chain_units, floor_units, ledger_amount, read_listings
from wallet.ids import NetworkId
from wallet.money import UNITS_MAX, Amount, Asset
from wallet.ports import Listing

HERE = NetworkId("ethereum")
ETH = Listing(HERE, Asset("ETH", 18), None, 18)
CONTRACT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
DUSD = Listing(HERE, Asset("DUSD", 6), CONTRACT, 6)
WIDE = replace(DUSD, decimals=18)  # the chain counts finer than the ledger
NARROW = replace(DUSD, decimals=2)


def test_contracts_are_kept_in_canonical_form() -> None:
    read = read_listings([ETH, replace(DUSD, contract=CONTRACT.lower())])
    assert read.contracts() == {CONTRACT}
    assert read.of(DUSD.asset).contract == CONTRACT


@pytest.mark.parametrize(
    "listings",
    [
        [],
        [DUSD],
        [ETH, ETH],
        [replace(ETH, decimals=9), DUSD],
        [ETH, DUSD, DUSD],
        [ETH, DUSD, replace(DUSD, asset=Asset("OTHER", 6), contract=CONTRACT.lower())],
        [ETH, DUSD, replace(DUSD, contract="0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")],
        [ETH, replace(DUSD, contract=CONTRACT.swapcase().replace("0X", "0x"))],
        [ETH, replace(DUSD, contract="")],
        [ETH, replace(DUSD, network=NetworkId("base"))],
    ],
)
def test_listings_that_contradict_each_other_are_refused(listings: list[Listing]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_listings(listings)


def test_an_asset_that_is_not_listed_is_refused() -> None:
    with pytest.raises(ValueError, match="not listed"):
        read_listings([ETH]).of(DUSD.asset)


def test_a_value_that_the_ledger_cannot_count_is_doubted_and_never_rounded_up() -> None:
    assert ledger_amount(10**12, WIDE) == (Amount(1, DUSD.asset), None)
    assert ledger_amount(2 * 10**12 - 1, WIDE) == (Amount(1, DUSD.asset), "inexact")
    assert ledger_amount(1, WIDE) == (Amount(0, DUSD.asset), "inexact")
    assert ledger_amount(1, NARROW) == (Amount(10_000, DUSD.asset), None)


def test_a_value_beyond_every_amount_is_doubted_and_no_crash() -> None:
    assert ledger_amount(UNITS_MAX, NARROW) == (Amount(UNITS_MAX, DUSD.asset), "too_large")


def test_totals_are_rounded_down() -> None:
    assert floor_units(2 * 10**12 - 1, WIDE) == 1
    assert floor_units(7, NARROW) == 70_000
    assert floor_units(7, DUSD) == 7


def test_an_amount_that_the_token_cannot_express_is_refused() -> None:
    assert chain_units(Amount(20_000, DUSD.asset), NARROW) == 2
    with pytest.raises(ValueError, match="decimals"):
        chain_units(Amount(20_001, DUSD.asset), NARROW)
    with pytest.raises(ValueError, match="2\\^256"):
        chain_units(Amount(UNITS_MAX, DUSD.asset), WIDE)
