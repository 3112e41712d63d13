"""LED-13: no more is booked at places of ours than the network itself states that there is, judged with the balances."""

import pytest

from wallet.errors import BeyondObserved
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Change, EventKind
from wallet.journal.change import Ceiling
from wallet.journal.judge import Known, Totals, judge
from wallet.ledger import accounts, templates
from wallet.ledger.transfers import Entry
from wallet.money import Amount, Asset

EUR = Asset("EUR", 2)
BANK = NetworkId("sepa")
ANN = CustomerId("cus_ann")
HOT, UNSWEPT = accounts.hot(BANK, EUR), accounts.deposits(BANK, EUR)


def credit(units: int) -> Entry:
    return templates.deposit_credited(ANN, BANK, Amount(units, EUR), swept_later=True)


def judged(known: Known, entry: Entry, *ceilings: Ceiling) -> Known:
    judge(Change("test", EventKind.DEPOSIT_CREDITED, {}, entry=entry, ceilings=ceilings), known)
    return known


def books() -> Known:
    """At the hot address are 40 (of 100 that came, 60 left); 5 lie unswept."""
    totals: dict[str, Totals] = {HOT.id: Totals(debits_posted=100, credits_posted=60), UNSWEPT.id: Totals(0, 5)}
    return Known(totals=totals)


def test_led_13_credit_up_to_what_was_observed_is_booked() -> None:
    known = judged(books(), credit(55), Ceiling((HOT, UNSWEPT), 100))
    assert known.totals[UNSWEPT.id].posted == -60


def test_led_13_one_unit_beyond_what_was_observed_is_refused_and_leaves_no_trace() -> None:
    known = books()
    with pytest.raises(BeyondObserved) as refused:
        judged(known, credit(56), Ceiling((HOT, UNSWEPT), 100))
    assert refused.value.detail == {"asset": "EUR", "booked": "1.01", "observed": "1.00"}
    assert known == books()


def test_led_13_what_earlier_changes_of_the_batch_booked_counts() -> None:
    known, ceiling = books(), Ceiling((HOT, UNSWEPT), 100)
    judged(known, credit(30), ceiling)
    with pytest.raises(BeyondObserved):
        judged(known, credit(26), ceiling)
    judged(known, credit(25), ceiling)


def test_led_13_each_ceiling_of_a_change_is_judged() -> None:
    with pytest.raises(BeyondObserved):
        judged(books(), credit(10), Ceiling((HOT, UNSWEPT), 100), Ceiling((UNSWEPT,), 14))


def test_places_that_do_not_exist_yet_hold_nothing() -> None:
    judged(Known(), credit(7), Ceiling((HOT, UNSWEPT), 7))
    with pytest.raises(BeyondObserved):
        judged(Known(), credit(8), Ceiling((HOT, UNSWEPT), 7))


def test_a_ceiling_is_over_places_of_one_asset() -> None:
    for places in ((), (HOT, accounts.hot(BANK, Asset("USD", 2)))):
        with pytest.raises(ValueError, match=r"^a ceiling is over places of one asset$"):
            Ceiling(places, 1)
