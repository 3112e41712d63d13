from dataclasses import replace
from random import Random

import pytest

from chains.bitcoin.coins import INPUTS_MAX, P2WPKH_INPUT_WEIGHT, input_weight, vsize
from chains.bitcoin.selection import (
    SCALE,
    TRIES_MAX,
    Choice,
    Need,
    branch_and_bound,
    candidates,
    fewest,
    select,
    single_random_draw,
    smallest_single,
    waste,
)
from wallet.ports import FundsShort, Utxo

CHANGE_VSIZE = 31 + 68  # to make it and to spend it


def need(target_units: int, rate: int = 1_000, long_term_rate: int = 1_000, fee_units_max: int = 10**9) -> Need:
    return Need(target_units, (31,), rate, long_term_rate, 31, 294, P2WPKH_INPUT_WEIGHT, fee_units_max)


def coins(*units: int) -> list[Utxo]:
    return [Utxo(f"{number:064x}:0", one, f"address {number}", "path") for number, one in enumerate(units)]


def chosen(units: tuple[int, ...], wanted: Need) -> Choice:
    return select(coins(*units), wanted, Random(1))


def worths(*units: int) -> list[int]:
    return [one.worth // SCALE for one in candidates(coins(*units), 0)]


def test_the_fee_is_exact_for_the_size_and_the_rest_comes_back() -> None:
    choice = chosen((100_000,), need(50_000))
    assert choice.fee_units == vsize([P2WPKH_INPUT_WEIGHT], (31, 31)) == 141
    assert choice.change_units == 100_000 - 50_000 - 141


def test_change_that_would_be_dust_goes_to_the_fee() -> None:
    without_change = 110
    assert chosen((50_000 + without_change,), need(50_000)) == Choice(tuple(coins(50_110)), 110, 0)
    assert chosen((50_000 + 141 + 293,), need(50_000)).change_units == 0
    assert chosen((50_000 + 141 + 294,), need(50_000)).change_units == 294


def test_change_that_would_never_be_worth_spending_goes_to_the_fee() -> None:
    dear = need(50_000, long_term_rate=20_000)
    assert chosen((50_000 + 141 + 1_359,), dear).change_units == 0
    assert chosen((50_000 + 141 + 1_360,), dear).change_units == 1_360


def test_too_little_says_that_funds_are_short() -> None:
    for at_hand in ((), (50_000,), (50_109,), (25_000, 25_000)):
        with pytest.raises(FundsShort):
            chosen(at_hand, need(50_000))


def test_inputs_that_cost_more_than_they_bring_are_never_spent() -> None:
    with pytest.raises(FundsShort):
        chosen((60,) * 400, need(1_000))
    choice = chosen((67, 68, 69, 90_000), need(50_000, long_term_rate=100_000))  # low fees: as many as are worth it
    assert {coin.units for coin in choice.inputs} <= {69, 90_000}


def test_a_tx_does_not_grow_without_bound() -> None:
    with pytest.raises(FundsShort):
        chosen((1_000,) * (INPUTS_MAX + 100), need(1_000 * (INPUTS_MAX + 1)))


def test_a_match_without_change_is_found_among_many() -> None:
    exact = 110 + 68  # two inputs, one output
    choice = chosen((90_000, 31_000, 70_000, 19_000 + exact, 12_000, 77_000), need(50_000, rate=1_000))
    assert (choice.change_units, sorted(coin.units for coin in choice.inputs)) == (0, [19_178, 31_000])
    assert choice.fee_units == exact


def test_a_payment_takes_few_inputs_when_fees_are_high_and_many_when_they_are_low() -> None:
    units = (*[10_000] * 30, 400_000)
    high = chosen(units, need(150_000, rate=50_000, long_term_rate=5_000))
    low = chosen(units, need(150_000, rate=1_000, long_term_rate=20_000))
    assert len(high.inputs) == 1
    assert len(low.inputs) > 10


def test_waste_is_what_bitcoin_core_calls_it() -> None:
    dear = need(50_000, rate=3_000, long_term_rate=1_000)
    with_change = Choice(tuple(coins(100_000)), 141 * 3, 100_000 - 50_000 - 141 * 3)
    assert waste(with_change, dear) == (68 * 2_000 + 31 * 3_000 + 68 * 1_000) * 4
    without = Choice(tuple(coins(50_400)), 400, 0)
    assert waste(without, dear) == 68 * 2_000 * 4 + (400 - 110 * 3) * SCALE


def test_a_choice_whose_fee_passes_the_cap_is_not_made() -> None:
    units = (*[600] * 200, 30_000, 30_000)
    assert chosen(units, need(50_000, fee_units_max=300)).fee_units <= 300
    with pytest.raises(FundsShort, match="would pass 150 units"):
        chosen(units, need(50_000, fee_units_max=150))


def test_chance_is_the_one_that_is_given() -> None:
    pool = candidates(coins(*range(1_000, 60_000, 1_000)), 0)
    draws = [single_random_draw(pool, 20_000 * SCALE, Random(seed)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert all(sum(one.worth for one in draw) >= 20_000 * SCALE for draw in draws)


def test_the_smallest_single_and_the_fewest() -> None:
    pool = candidates(coins(5, 1, 3, 2, 4), 0)
    assert worths(5, 1, 3) == [5, 3, 1]
    assert [one.coin.units for one in smallest_single(pool, 3 * SCALE)] == [3]
    assert [one.coin.units for one in smallest_single(pool, 6 * SCALE)] == []
    assert [one.coin.units for one in fewest(pool, 8 * SCALE)] == [5, 4]
    assert fewest(pool, 16 * SCALE) == ()


def test_branch_and_bound_prefers_what_wastes_least_and_gives_up_in_time() -> None:
    pool = candidates(coins(6, 5, 4, 3), 0)
    assert sorted(one.coin.units for one in branch_and_bound(pool, 9 * SCALE, 0, 1)) in ([3, 6], [4, 5])
    assert sorted(one.coin.units for one in branch_and_bound(pool, 8 * SCALE, SCALE, 0)) == [3, 5]
    assert branch_and_bound(pool, 2 * SCALE, 0, 0) == []
    hopeless = candidates(coins(*(2 << n for n in range(40))), 0)  # none makes an odd sum
    assert branch_and_bound(hopeless, ((1 << 40) + 1) * SCALE, 0, 0) == []
    assert TRIES_MAX <= 100_000


def test_the_kind_of_an_input_counts() -> None:
    taproot = replace(coins(50_105)[0], path="m/86'/1'/0'/0/1")
    assert input_weight(taproot) < P2WPKH_INPUT_WEIGHT
    assert select([taproot], need(50_000), Random(1)).change_units == 0
    with pytest.raises(FundsShort):
        chosen((50_105,), need(50_000))
