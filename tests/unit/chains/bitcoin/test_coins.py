import pytest
from hypothesis import given
from hypothesis import strategies as some

from chains.bitcoin.address import script_of
from chains.bitcoin.coins import (
    INPUTS_MAX,
    P2WPKH_INPUT_WEIGHT,
    Choice,
    Need,
    choose,
    dust_units,
    fee_units,
    input_weight,
    vsize,
)
from chains.bitcoin.parameters import MAIN
from tests.unit.chains.bitcoin.test_address import P2PKH_MAIN, P2SH_MAIN, P2TR_MAIN, P2WPKH_MAIN, P2WSH_MAIN
from wallet.ports import FundsShort, Utxo


def need(target_units: int, rate: int = 1_000) -> Need:
    return Need(target_units, (31,), 31, 294, rate)


def coins(*units: int) -> list[Utxo]:
    return [Utxo(f"{number:064x}:0", one, f"address {number}", "path") for number, one in enumerate(units)]


def test_the_smallest_single_input_that_suffices_is_taken() -> None:
    choice = choose(coins(500_000, 20_000, 50_000, 1_000), need(18_000))
    assert [coin.units for coin in choice.inputs] == [20_000]


def test_where_none_suffices_the_largest_are_gathered() -> None:
    choice = choose(coins(10_000, 40_000, 30_000, 20_000), need(60_000))
    assert [coin.units for coin in choice.inputs] == [40_000, 30_000]


def test_the_fee_is_exact_for_the_size_and_the_rest_comes_back() -> None:
    choice = choose(coins(100_000), need(50_000))
    assert choice.fee_units == vsize([P2WPKH_INPUT_WEIGHT], (31, 31)) == 141
    assert choice.change_units == 100_000 - 50_000 - 141


def test_change_that_would_be_dust_goes_to_the_fee() -> None:
    without_change = 110
    assert choose(coins(50_000 + without_change), need(50_000)) == Choice(tuple(coins(50_110)), 110, 0)
    assert choose(coins(50_000 + 141 + 293), need(50_000)).change_units == 0
    assert choose(coins(50_000 + 141 + 294), need(50_000)).change_units == 294


def test_too_little_says_that_funds_are_short() -> None:
    for at_hand in ((), (50_000,), (50_109,), (25_000, 25_000)):
        with pytest.raises(FundsShort):
            choose(coins(*at_hand), need(50_000))


def test_inputs_that_cost_more_than_they_bring_do_not_help() -> None:
    with pytest.raises(FundsShort):
        choose(coins(*[60] * 400), need(1_000, rate=1_000))


def test_a_tx_does_not_grow_without_bound() -> None:
    with pytest.raises(FundsShort):
        choose(coins(*[1_000] * (INPUTS_MAX + 100)), need(1_000 * (INPUTS_MAX + 1)))


@given(
    units=some.lists(some.integers(300, 10**9), max_size=40),
    target=some.integers(294, 10**9),
    rate=some.integers(1, 500_000),
    order=some.randoms(use_true_random=False),
)
def test_nothing_is_made_or_lost_and_the_choice_is_the_same_in_any_order(
    units: list[int], target: int, rate: int, order: object
) -> None:
    at_hand = coins(*units)
    try:
        choice = choose(at_hand, need(target, rate))
    except FundsShort:
        return
    assert sum(coin.units for coin in choice.inputs) == target + choice.fee_units + choice.change_units
    assert len(set(choice.inputs)) == len(choice.inputs)
    assert choice.change_units == 0 or choice.change_units >= 294
    outputs = (31, 31) if choice.change_units else (31,)
    assert choice.fee_units >= fee_units(vsize([input_weight(coin) for coin in choice.inputs], outputs), rate)
    shuffled = list(at_hand)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(shuffled, need(target, rate)) == choice


@pytest.mark.parametrize(
    ("address", "units"),
    [(P2PKH_MAIN, 546), (P2SH_MAIN, 540), (P2WPKH_MAIN, 294), (P2WSH_MAIN, 330), (P2TR_MAIN, 330)],
)
def test_dust_is_what_bitcoin_core_calls_dust_at_its_default_rate(address: str, units: int) -> None:
    assert dust_units(script_of(address, MAIN), 3_000) == units


def test_a_fee_is_rounded_up() -> None:
    assert fee_units(141, 1_001) == 142
    assert fee_units(141, 1) == 1
