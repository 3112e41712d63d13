import dataclasses

import pytest

from chains.bitcoin.build import Bounds, gather
from chains.bitcoin.decode import decode
from chains.bitcoin.parameters import REGTEST
from tests.unit.chains.bitcoin.material import BOUNDS, BTC, HOT, STRANGER, built, coin, payment
from wallet.money import Amount, Asset
from wallet.ports import Destination, FundsShort, Instruction, Unsigned, Utxo, UtxoSource


def test_what_is_built_is_what_the_signer_reads() -> None:
    unsigned = built((coin(1, 300_000), coin(2, 400_000)), payment(500_000))
    tx = decode(unsigned.payload)
    assert (
        unsigned.consumes == tuple(spent.outpoint for spent in tx.inputs) == (coin(1, 0).outpoint, coin(2, 0).outpoint)
    )
    assert [(output.address, output.units) for output in tx.payments] == [(STRANGER, 500_000)]
    assert tx.change == HOT
    assert unsigned.fee_max == Amount(tx.fee_units, BTC) == Amount(tx.vsize, BTC)


def test_the_change_is_named_before_it_exists() -> None:
    unsigned = built((coin(1, 300_000),), payment(100_000))
    tx = decode(unsigned.payload)
    assert unsigned.change is not None
    assert tx.change_index is not None
    assert unsigned.change.outpoint == f"{tx.tx}:{tx.change_index}"
    assert unsigned.change.units == tx.outputs[tx.change_index].units == 300_000 - 100_000 - tx.fee_units
    assert (unsigned.change.address, unsigned.change.path) == (HOT.address, HOT.path)


def test_a_tx_without_change_says_so() -> None:
    unsigned = built((coin(1, 100_200),), payment(100_000))
    tx = decode(unsigned.payload)
    assert unsigned.change is None
    assert (tx.change, tx.change_index, tx.payments) == (None, None, tx.outputs)
    assert unsigned.fee_max == Amount(200, BTC)


def test_the_same_coins_in_another_order_give_the_same_bytes() -> None:
    coins = tuple(coin(number, 100_000) for number in range(5))
    assert built(coins, payment(250_000)) == built(coins[::-1], payment(250_000))


def test_two_payments_to_one_address_are_two_outputs() -> None:
    tx = decode(built((coin(1, 900_000),), payment(100_000), payment(100_000)).payload)
    assert [(output.address, output.units) for output in tx.payments] == [(STRANGER, 100_000)] * 2


@pytest.mark.parametrize("units", [0, 1, 293])
def test_dust_is_refused_before_a_tx_exists(units: int) -> None:
    with pytest.raises(ValueError, match="less than 294"):
        built((coin(1, 900_000),), payment(units))


@pytest.mark.parametrize("rate", [0, -1, BOUNDS.rate_max + 1])
def test_wdr_11_an_absurd_fee_rate_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="fee rate"):
        built((coin(1, 900_000),), payment(1_000), rate=rate)


def test_wdr_11_an_absurd_fee_is_not_paid_but_waited_out() -> None:
    bounds = dataclasses.replace(BOUNDS, fee_units_max=140)
    with pytest.raises(FundsShort, match="would pass 140 units"):
        built((coin(1, 900_000),), payment(1_000), bounds=bounds)


def test_wdr_15_funds_that_do_not_cover_the_fee_too_are_short() -> None:
    with pytest.raises(FundsShort):
        built((coin(1, 100_000),), payment(100_000))


def test_another_asset_is_refused() -> None:
    with pytest.raises(ValueError, match="BTC only"):
        built((coin(1, 900_000),), Instruction("wdr_1", Destination(STRANGER), Amount(1_000, Asset("ETH", 18))))


def test_a_payment_to_our_own_change_address_is_refused() -> None:
    with pytest.raises(ValueError, match="own change address"):
        built((coin(1, 900_000),), payment(1_000, HOT.address))


def test_a_tx_that_pays_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="payments"):
        built((coin(1, 900_000),))


def test_a_destination_on_another_chain_is_refused() -> None:
    with pytest.raises(ValueError, match="start with bcrt1"):
        built((coin(1, 900_000),), payment(1_000, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"))


def gathered(*coins: Utxo, rate: int = 1_000, bounds: Bounds = BOUNDS) -> Unsigned:
    return gather(UtxoSource(coins, HOT), rate=rate, asset=BTC, chain=REGTEST, bounds=bounds)


def test_coins_that_are_gathered_become_one_and_those_not_worth_their_fee_stay() -> None:
    unsigned = gathered(coin(1, 5_000), coin(2, 60), coin(3, 7_000))
    tx = decode(unsigned.payload)
    assert unsigned.consumes == (coin(1, 0).outpoint, coin(3, 0).outpoint)
    assert (tx.payments, tx.change, tx.fee_units) == ((), HOT, tx.vsize)
    assert unsigned.change is not None
    assert unsigned.change.units == 12_000 - tx.fee_units


def test_coins_that_are_not_worth_it_are_not_gathered() -> None:
    for coins in ((), (coin(1, 5_000),), (coin(1, 200), coin(2, 200))):
        with pytest.raises(FundsShort, match="not worth"):
            gathered(*coins)
    with pytest.raises(FundsShort, match="would pass 100 units"):
        gathered(coin(1, 5_000), coin(2, 5_000), bounds=dataclasses.replace(BOUNDS, fee_units_max=100))
