"""Whatever coins lie there: a choice pays exactly what it should, wastes no coin on its own fee, and shares none."""

from random import Random

from hypothesis import given
from hypothesis import strategies as some

from chains.bitcoin.address import P2TR_PURPOSE, script_of
from chains.bitcoin.build import build
from chains.bitcoin.coins import INPUTS_MAX, P2WPKH_INPUT_WEIGHT, fee_units, input_weight, vsize
from chains.bitcoin.decode import decode
from chains.bitcoin.parameters import REGTEST
from chains.bitcoin.selection import Choice, Need, select
from tests.unit.chains.bitcoin.material import BOUNDS, BTC, HOT, STRANGER
from tests.unit.chains.bitcoin.material import coin as our_coin
from wallet.money import Amount
from wallet.ports import Branch, Destination, FundsShort, Instruction, Utxo, UtxoSource

PATHS = ("m/84'/1'/0'/0/1", f"m/{P2TR_PURPOSE}'/1'/0'/0/1")


@some.composite
def lying(draw: some.DrawFn) -> list[Utxo]:
    kinds = draw(some.lists(some.tuples(some.integers(1, 10**9), some.sampled_from(PATHS)), max_size=40))
    return [Utxo(f"{number:064x}:0", units, "address", path) for number, (units, path) in enumerate(kinds)]


needs = some.builds(
    Need,
    target_units=some.integers(294, 10**9),
    output_sizes=some.lists(some.sampled_from((31, 34, 43)), min_size=1, max_size=5).map(tuple),
    rate=some.integers(1, 500_000),
    long_term_rate=some.integers(1, 100_000),
    change_size=some.just(31),
    change_dust_units=some.just(294),
    change_spend_weight=some.just(P2WPKH_INPUT_WEIGHT),
    fee_units_max=some.just(10**12),
)


def exact_fee(choice: Choice, need: Need) -> int:
    sizes = (*need.output_sizes, need.change_size) if choice.change_units else need.output_sizes
    return fee_units(vsize([input_weight(coin) for coin in choice.inputs], sizes), need.rate)


@given(at_hand=lying(), need=needs, seed=some.integers(0, 2**32), order=some.randoms(use_true_random=False))
def test_wdr_15_a_choice_pays_exactly_and_is_the_same_in_any_order(
    at_hand: list[Utxo], need: Need, seed: int, order: Random
) -> None:
    try:
        choice = select(at_hand, need, Random(seed))
    except FundsShort:
        return
    assert sum(coin.units for coin in choice.inputs) == need.target_units + choice.fee_units + choice.change_units
    assert len(set(choice.inputs)) == len(choice.inputs) <= INPUTS_MAX
    assert set(choice.inputs) <= set(at_hand)
    assert all(coin.units * 4_000 > input_weight(coin) * need.rate for coin in choice.inputs)
    if choice.change_units:
        assert choice.change_units >= need.change_least_units >= 294
        assert choice.fee_units == exact_fee(choice, need)
    else:
        given_up = choice.fee_units - exact_fee(choice, need)
        assert 0 <= given_up < need.change_least_units + fee_units(need.change_size + 1, need.rate) + 1
    shuffled = list(at_hand)
    order.shuffle(shuffled)
    assert select(shuffled, need, Random(seed)) == choice


@given(at_hand=lying(), need=needs, seed=some.integers(0, 2**32))
def test_funds_are_short_only_where_all_worthy_coins_together_do_not_suffice(
    at_hand: list[Utxo], need: Need, seed: int
) -> None:
    worthy = [coin for coin in at_hand if coin.units * 4_000 > input_weight(coin) * need.rate]
    all_fee = need.fee([input_weight(coin) for coin in worthy], with_change=False)
    suffices = bool(worthy) and sum(coin.units for coin in worthy) >= need.target_units + all_fee
    try:
        select(at_hand, need, Random(seed))
    except FundsShort:
        slack = -(-need.rounding // 4_000)  # a size is rounded up to whole virtual bytes
        assert not suffices or sum(coin.units for coin in worthy) < need.target_units + all_fee + slack
    else:
        assert suffices or len(worthy) > len(at_hand)


@given(
    units=some.lists(some.integers(1_000, 10**8), min_size=1, max_size=30),
    paid=some.lists(some.integers(1_000, 10**7), min_size=1, max_size=8),
    rate=some.integers(1_000, 20_000),
)
def test_wdr_15_the_change_of_what_is_built_is_ours_and_no_output_is_dust(
    units: list[int], paid: list[int], rate: int
) -> None:
    coins = tuple(our_coin(number, one, Branch.DEPOSIT) for number, one in enumerate(units))
    payments = [Instruction(f"wdr_{place}", Destination(STRANGER), Amount(one, BTC)) for place, one in enumerate(paid)]
    try:
        unsigned = build(payments, UtxoSource(coins, HOT), rate=rate, asset=BTC, chain=REGTEST, bounds=BOUNDS)
    except FundsShort:
        return
    tx = decode(unsigned.payload)
    assert sorted(output.units for output in tx.payments) == sorted(paid)
    assert all(output.units >= 294 for output in tx.outputs)
    assert len(tx.outputs) == len(paid) + (unsigned.change is not None)
    if unsigned.change is not None:
        assert script_of(unsigned.change.address, REGTEST) == script_of(HOT.address, REGTEST)
        assert unsigned.change.path == HOT.path
    assert tx.fee_units == unsigned.fee_max.units <= BOUNDS.fee_units_max
