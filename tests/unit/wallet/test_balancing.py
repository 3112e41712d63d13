"""Balancing transfers: as much as is there, the rest on a receivable; and the receivable is repaid before anything else."""

from collections.abc import Callable

import pytest

from wallet.errors import AccountClosed, BalanceOverflow
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, EventKind
from wallet.journal.judge import Known, Totals, judge
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Flags
from wallet.ledger.transfers import Move, Transfer, post, post_up_to
from wallet.money import UNITS_MAX, Amount, Asset

EUR, USD = Asset("EUR", 2), Asset("USD", 2)
BANK = NetworkId("sepa")
ANN, BEN = CustomerId("cus_ann"), CustomerId("cus_ben")
BALANCE, OWED = accounts.customer_balance(ANN, EUR), accounts.receivable(ANN, EUR)
HOT, CAPITAL = accounts.hot(BANK, EUR), accounts.capital(EUR)

Moved = list[tuple[str, str, int]]


def eur(units: int) -> Amount:
    return Amount(units, EUR)


def books(available: int = 0, held: int = 0, owed: int = 0, flags: Flags = Flags.NONE) -> Known:
    """Ann's money lies at the bank, and what she owes is missing there."""
    known = Known()
    known.totals[BALANCE.id] = Totals(held, 0, 0, available + held, int(Flags.NO_OVERDRAFT | flags))
    if owed:
        known.totals[OWED.id] = Totals(debits_posted=owed)
    known.totals[HOT.id] = Totals(debits_posted=500, flags=int(Flags.NO_OVERSPEND))
    return known


def moved(known: Known, *entry: Transfer) -> Moved:
    found = judge(Change("test", EventKind.PAYMENT_SENT, {}, entry=entry), known)
    assert all(each.transfer.otherwise is None for each in found)
    return [(t.transfer.debit.id, t.transfer.credit.id, t.transfer.amount.units) for t in found]


@pytest.mark.parametrize(
    ("available", "held", "parts"),
    [
        (100, 0, [(BALANCE.id, HOT.id, 70)]),
        (70, 0, [(BALANCE.id, HOT.id, 70)]),
        (69, 0, [(BALANCE.id, HOT.id, 69), (OWED.id, HOT.id, 1)]),
        (30, 90, [(BALANCE.id, HOT.id, 30), (OWED.id, HOT.id, 40)]),
        (0, 90, [(OWED.id, HOT.id, 70)]),
    ],
)
def test_a_charge_back_takes_what_is_available_and_books_the_rest_as_owed(
    available: int, held: int, parts: Moved
) -> None:
    known = books(available, held)
    assert moved(known, *templates.charged_back(ANN, HOT, eur(70))) == parts
    assert known.totals[BALANCE.id].available == max(available - 70, 0)
    assert known.totals[BALANCE.id].debits_pending == held
    assert known.totals.get(OWED.id, Totals()).posted == min(available - 70, 0)
    assert known.totals[HOT.id].posted == -430


@pytest.mark.parametrize(
    ("owed", "parts"),
    [
        (0, [(HOT.id, BALANCE.id, 70)]),
        (1, [(HOT.id, OWED.id, 1), (HOT.id, BALANCE.id, 69)]),
        (70, [(HOT.id, OWED.id, 70)]),
        (71, [(HOT.id, OWED.id, 70)]),
    ],
)
def test_a_deposit_first_repays_what_its_owner_owes(owed: int, parts: Moved) -> None:
    known = books(owed=owed)
    assert moved(known, *templates.deposit_credited(ANN, BANK, eur(70), swept_later=False)) == parts
    assert known.totals[BALANCE.id].posted == max(70 - owed, 0)
    assert known.totals.get(OWED.id, Totals()).posted == min(70 - owed, 0)


def test_a_receivable_in_another_asset_or_of_somebody_else_is_not_repaid() -> None:
    known = books()
    known.totals[accounts.receivable(ANN, USD).id] = Totals(debits_posted=9)
    known.totals[accounts.receivable(BEN, EUR).id] = Totals(debits_posted=9)
    entry = templates.deposit_credited(ANN, BANK, eur(70), swept_later=False)
    assert moved(known, *entry) == [(HOT.id, BALANCE.id, 70)]


def test_each_transfer_of_an_entry_is_balanced_on_what_the_ones_before_it_left() -> None:
    known = books(available=50)
    entry = (*templates.charged_back(ANN, HOT, eur(40)), *templates.charged_back(ANN, HOT, eur(40)))
    assert moved(known, *entry) == [(BALANCE.id, HOT.id, 40), (BALANCE.id, HOT.id, 10), (OWED.id, HOT.id, 30)]
    back = templates.deposit_credited(ANN, BANK, eur(20), swept_later=False)
    assert moved(known, *back, *back) == [(HOT.id, OWED.id, 20), (HOT.id, OWED.id, 10), (HOT.id, BALANCE.id, 10)]


def test_a_loss_is_booked_on_a_frozen_account() -> None:
    known = books(available=50, flags=Flags.FROZEN)
    assert moved(known, *templates.charged_back(ANN, HOT, eur(70))) == [
        (BALANCE.id, HOT.id, 50),
        (OWED.id, HOT.id, 20),
    ]
    assert known.totals[BALANCE.id].flags & Flags.FROZEN


def test_a_closed_account_gives_nothing_and_the_loss_is_owed() -> None:
    known = books(available=50, flags=Flags.CLOSED)
    assert moved(known, *templates.charged_back(ANN, HOT, eur(70))) == [(OWED.id, HOT.id, 70)]


def test_a_closed_account_takes_nothing_beyond_what_is_owed() -> None:
    deposit = templates.deposit_credited(ANN, BANK, eur(70), swept_later=False)
    assert moved(books(owed=70, flags=Flags.CLOSED), *deposit) == [(HOT.id, OWED.id, 70)]
    with pytest.raises(AccountClosed):
        moved(books(owed=69, flags=Flags.CLOSED), *deposit)


def test_what_the_world_has_taken_is_booked_though_the_place_then_holds_less_than_nothing() -> None:
    known = books(available=50)
    moved(known, *templates.charged_back(ANN, HOT, eur(600)))
    assert known.totals[HOT.id].posted == 100
    assert known.totals[OWED.id].posted == -550


def test_led_09_a_receivable_has_the_same_cap_as_every_account() -> None:
    known = books(owed=UNITS_MAX)
    with pytest.raises(BalanceOverflow):
        moved(known, *templates.charged_back(ANN, HOT, eur(1)))
    assert known.totals == books(owed=UNITS_MAX).totals


HOLD = HoldId("hld_one")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Transfer(Move.HOLD, BALANCE, HOT, eur(1), HOLD, otherwise=OWED), "posted at once"),
        (lambda: Transfer(Move.SETTLE, BALANCE, HOT, eur(1), HOLD, otherwise=OWED), "posted at once"),
        (lambda: Transfer(Move.VOID, BALANCE, HOT, eur(1), HOLD, otherwise=OWED), "posted at once"),
        (lambda: post_up_to(BALANCE, HOT, eur(1), otherwise=accounts.receivable(ANN, USD)), "one asset"),
        (lambda: post_up_to(HOT, OWED, eur(1), otherwise=HOT), "elsewhere"),
        (lambda: post_up_to(HOT, OWED, eur(1), otherwise=OWED), "elsewhere"),
        (lambda: post_up_to(HOT, CAPITAL, eur(1), otherwise=OWED), "one of the two"),
        (lambda: post_up_to(BALANCE, OWED, eur(1), otherwise=CAPITAL), "one of the two"),
        (lambda: post_up_to(BALANCE, HOT, eur(1), otherwise=CAPITAL), "is a receivable"),
        (lambda: post_up_to(HOT, OWED, eur(1), otherwise=accounts.receivable(BEN, EUR)), "is not"),
    ],
)
def test_a_balancing_transfer_that_makes_no_sense_cannot_be_written_down(
    make: Callable[[], Transfer], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_an_ordinary_transfer_to_a_receivable_stays_what_it_is() -> None:
    assert moved(books(owed=5), post(HOT, OWED, eur(9))) == [(HOT.id, OWED.id, 9)]
