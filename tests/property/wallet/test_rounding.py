"""LED-11: no chain of splits, fees and ways back favours the caller. The arithmetic that exists: amounts are split and moved in
whole base units, scales are changed exactly or not at all, and what must be rounded is rounded against whoever asks."""

import os
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.bitcoin.coins import fee_units
from chains.evm.listings import chain_units, floor_units, ledger_amount
from wallet.errors import Refusal
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, EventKind
from wallet.journal.judge import Known, judge
from wallet.ledger import accounts, templates
from wallet.ledger.transfers import Entry
from wallet.money import UNITS_MAX, Amount, AmountMalformed, Asset, format_units, parse_amount, rescale
from wallet.ports import Listing

MORE = 50 if os.environ.get("COFFER_TEST_ALL") == "1" else 1
NETWORK = NetworkId("chain")
PEOPLE = [CustomerId(f"cus_{name}") for name in ("ann", "ben", "shop")]
HOLD = HoldId("hld_one")
DECIMALS = st.integers(0, 24)
UNITS = st.one_of(st.integers(0, 10**6), st.integers(0, UNITS_MAX))


def asset(decimals: int) -> Asset:
    return Asset("USDT", decimals)


def worth(units: int, decimals: int) -> Fraction:
    return Fraction(units, 10**decimals)


@given(UNITS, DECIMALS, DECIMALS)
@settings(max_examples=300 * MORE)
def test_led_11_what_arrives_is_never_counted_for_more_than_it_is(units: int, on_chain: int, here: int) -> None:
    listing = Listing(NETWORK, asset(here), "0x1", on_chain)
    amount, doubt = ledger_amount(units, listing)
    assert worth(amount.units, here) <= worth(units, on_chain)
    if doubt is None:
        assert worth(amount.units, here) == worth(units, on_chain)
        assert chain_units(amount, listing) == units
    assert (
        worth(floor_units(units, listing), here)
        <= worth(units, on_chain)
        < worth(floor_units(units, listing) + 1, here)
    )


@given(st.lists(DECIMALS, min_size=1, max_size=8), UNITS, DECIMALS)
@settings(max_examples=300 * MORE)
def test_led_11_no_chain_of_changes_of_scale_makes_a_unit(chain: list[int], units: int, first: int) -> None:
    """Each step is exact or refused, so that whoever comes back has what they left with."""
    now, scale = units, first
    for following in [*chain, first]:
        changed = rescale(now, from_decimals=scale, to_decimals=following)
        if changed is not None:
            assert worth(changed, following) == worth(now, scale)
            now, scale = changed, following
    assert worth(now, scale) == worth(units, first)


def test_led_11_ten_thousand_arrivals_of_one_unit_too_small_to_count_credit_nothing() -> None:
    listing = Listing(NETWORK, asset(6), "0x1", 18)
    counted = [ledger_amount(1, listing) for _ in range(10_000)]
    assert {(amount.units, doubt) for amount, doubt in counted} == {(0, "inexact")}


@given(st.integers(1, 100_000), st.integers(1, 10**7))
@settings(max_examples=300 * MORE)
def test_led_11_a_network_fee_is_rounded_up_by_less_than_a_unit(virtual_bytes: int, rate: int) -> None:
    exact = Fraction(virtual_bytes * rate, 1_000)
    assert exact <= fee_units(virtual_bytes, rate) < exact + 1


@given(UNITS, DECIMALS, st.integers(1, 6))
@settings(max_examples=200 * MORE)
def test_led_11_text_is_read_back_as_it_was_written_and_more_decimals_are_no_amount(
    units: int, decimals: int, more: int
) -> None:
    text = format_units(units, decimals)
    assert parse_amount(text, asset(decimals)) == Amount(units, asset(decimals))
    longer = text + ("" if decimals else ".") + "0" * more
    with pytest.raises(AmountMalformed):
        parse_amount(longer, asset(decimals))


@given(st.integers(1, 10**9), st.lists(st.integers(1, 10**9), max_size=20), st.integers(0, 10**6), st.booleans())
@settings(max_examples=300 * MORE)
def test_led_11_split_among_many_with_a_fee_and_taken_back_everybody_has_what_they_had(
    units: int, cuts: list[int], fee: int, held: bool
) -> None:
    """Ann's money is cut anywhere, paid in parts out of her balance or a hold, less a fee, and all of it is reversed."""
    known, eur = Known(), Asset("EUR", 2)
    ann, ben, shop = (accounts.customer_balance(person, eur) for person in PEOPLE)
    deposit = templates.deposit_credited(PEOPLE[0], NETWORK, Amount(units + fee, eur), swept_later=False)
    done(known, deposit)
    if held:
        done(known, templates.hold_placed(PEOPLE[0], Amount(units, eur), HOLD))
    before, trades = posted(known), []
    for number, part in enumerate(_parts(units, cuts)):
        target, amount = (ben, shop)[number % 2], Amount(part, eur)
        paid = templates.leg_settled(ann, target, amount)
        trades.append(templates.held_leg_settled(PEOPLE[0], target, amount, HOLD) if held else paid)
    if fee:
        trades.append(templates.leg_settled(ann, accounts.platform_fees(PEOPLE[2], eur), Amount(fee, eur)))
    for trade in trades:
        done(known, trade)
    after = posted(known)
    assert sum(after.values()) == 0
    assert after.get(ann.id, 0) == 0
    assert sum(after.get(name, 0) for name in (ben.id, shop.id)) == units
    for trade in reversed(trades):
        done(known, templates.entry_reversed(trade))
    assert {name: figure for name, figure in posted(known).items() if figure} == before


def _parts(units: int, cuts: list[int]) -> list[int]:
    """Whole units between the cuts: they come to the amount, whatever the cuts are."""
    places = sorted({0, units, *[cut % units for cut in cuts]})
    return [high - low for low, high in pairwise(places)]


def done(known: Known, entry: Entry) -> None:
    try:
        judge(Change("test", EventKind.PAYMENT_SENT, {}, entry=entry), known)
    except Refusal as refusal:  # nothing here may be refused
        raise AssertionError(refusal.message) from refusal


def posted(known: Known) -> dict[str, int]:
    return {name: totals.posted for name, totals in known.totals.items() if totals.posted}
