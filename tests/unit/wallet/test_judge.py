"""What a Change is refused for, one reason at a time; sequences of them are in the property tests."""

import pytest
from msgspec.structs import force_setattr

from wallet.errors import AccountClosed, AccountFrozen, BalanceOverflow, HoldNotOpen, InsufficientFunds, Refusal
from wallet.ids import HoldId
from wallet.journal import Change, EventKind
from wallet.journal.judge import Known, OpenHold, Totals, judge
from wallet.ledger.accounts import HOUSE, Account, Flags
from wallet.ledger.transfers import Move, Transfer, hold, post, post_up_to, settle, void
from wallet.money import UNITS_MAX, Amount, Asset

EUR, USD = Asset("EUR", 2), Asset("USD", 2)
ANN, BEN = Account("cus_ann", "balance", EUR), Account("cus_ben", "balance", EUR)
CAPITAL, SUSPENSE = Account(HOUSE, "capital", EUR), Account(HOUSE, "suspense", EUR)
HOT = Account(HOUSE, "hot@n", EUR)
ONE = HoldId("hld_one")


def eur(units: int) -> Amount:
    return Amount(units, EUR)


def known(**flags: Flags) -> Known:
    """Ann has 100, of which 30 lie in a hold for Ben; the hot account holds 100."""
    ann = Totals(debits_pending=30, credits_posted=100, flags=Flags.NO_OVERDRAFT | flags.get("ann", Flags.NONE))
    ben = Totals(credits_pending=30, flags=Flags.NO_OVERDRAFT | flags.get("ben", Flags.NONE))
    totals: dict[str, Totals] = {ANN.id: ann, BEN.id: ben, HOT.id: Totals(debits_posted=100, flags=Flags.NO_OVERSPEND)}
    return Known(totals=totals, holds={ONE: OpenHold(ANN.id, BEN.id, "EUR", 50, 30)})


def judged(books: Known, *entry: Transfer) -> Known:
    judge(Change("test", EventKind.PAYMENT_SENT, {}, entry=entry), books)
    return books


def test_what_is_available_may_be_spent_to_the_last_unit() -> None:
    books = judged(known(), post(ANN, BEN, eur(70)))
    assert books.totals[ANN.id].available == 0
    assert books.totals[ANN.id].posted == 30


def test_each_transfer_is_told_with_what_both_sides_had_after_it() -> None:
    books, entry = known(), (post(ANN, BEN, eur(10)), settle(ANN, BEN, eur(30), ONE))
    first, second = judge(Change("test", EventKind.PAYMENT_SENT, {}, entry=entry), books)
    assert (first.transfer, second.transfer) == entry
    flags = int(Flags.NO_OVERDRAFT)
    assert (first.debit_after, first.credit_after) == (Totals(30, 10, 0, 100, flags), Totals(0, 0, 30, 10, flags))
    assert (second.debit_after, second.credit_after) == (Totals(0, 40, 0, 100, flags), Totals(0, 0, 0, 40, flags))
    assert (second.debit_after, second.credit_after) == (books.totals[ANN.id], books.totals[BEN.id])


@pytest.mark.parametrize(
    ("entry", "refusal"),
    [
        ((post(ANN, BEN, eur(71)),), InsufficientFunds),
        ((hold(ANN, BEN, eur(71), HoldId("hld_two")),), InsufficientFunds),
        ((post(ANN, BEN, eur(40)), post(ANN, BEN, eur(40))), InsufficientFunds),
        ((post(CAPITAL, HOT, eur(101)),), InsufficientFunds),
        ((settle(ANN, BEN, eur(31), ONE),), HoldNotOpen),
        ((void(ANN, BEN, eur(31), ONE),), HoldNotOpen),
        ((settle(ANN, BEN, eur(20), ONE), settle(ANN, BEN, eur(20), ONE)), HoldNotOpen),
        ((settle(ANN, CAPITAL, eur(1), ONE),), HoldNotOpen),
        ((settle(CAPITAL, BEN, eur(1), ONE),), HoldNotOpen),
        ((settle(ANN, BEN, eur(1), HoldId("hld_none")),), HoldNotOpen),
    ],
)
def test_more_than_there_is_is_refused(entry: tuple[Transfer, ...], refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        judged(known(), *entry)


@pytest.mark.parametrize(
    ("full", "entry"),
    [
        ({CAPITAL.id: Totals(debits_posted=UNITS_MAX)}, post(CAPITAL, SUSPENSE, eur(1))),
        ({CAPITAL.id: Totals(debits_posted=UNITS_MAX - 1, debits_pending=1)}, post(CAPITAL, SUSPENSE, eur(1))),
        ({SUSPENSE.id: Totals(credits_posted=UNITS_MAX)}, post(CAPITAL, SUSPENSE, eur(1))),
        ({SUSPENSE.id: Totals(credits_posted=UNITS_MAX - 1, credits_pending=1)}, post(CAPITAL, SUSPENSE, eur(1))),
        ({SUSPENSE.id: Totals(credits_posted=UNITS_MAX)}, hold(CAPITAL, SUSPENSE, eur(1), HoldId("hld_two"))),
        ({CAPITAL.id: Totals(debits_posted=UNITS_MAX)}, hold(CAPITAL, SUSPENSE, eur(1), HoldId("hld_two"))),
    ],
)
def test_led_09_neither_side_of_an_account_grows_beyond_the_cap(full: dict[str, Totals], entry: Transfer) -> None:
    with pytest.raises(BalanceOverflow):
        judged(Known(totals=dict(full)), entry)


def test_from_a_frozen_account_nothing_leaves_and_what_was_promised_before_is_ended() -> None:
    for entry in (post(ANN, BEN, eur(1)), hold(ANN, BEN, eur(1), HoldId("hld_two"))):
        with pytest.raises(AccountFrozen):
            judged(known(ann=Flags.FROZEN), entry)
    judged(
        known(ann=Flags.FROZEN),
        post(CAPITAL, ANN, eur(1)),
        settle(ANN, BEN, eur(10), ONE),
        void(ANN, BEN, eur(20), ONE),
    )


def test_on_a_closed_account_nothing_new_happens() -> None:
    with pytest.raises(AccountClosed):
        judged(known(ann=Flags.CLOSED), post(ANN, BEN, eur(1)))
    with pytest.raises(AccountClosed):
        judged(known(ben=Flags.CLOSED), post(ANN, BEN, eur(1)))


def forged(transfer: Transfer, **fields: object) -> Transfer:
    """What no constructor lets through."""
    for name, value in fields.items():
        force_setattr(transfer, name, value)
    return transfer


def forged_units(units: int) -> Amount:
    amount = eur(1)
    force_setattr(amount, "units", units)
    return amount


IN_DOLLARS = Account("cus_ben", "balance", USD)


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": eur(0)},
        {"amount": forged_units(-1)},
        {"amount": Amount(1, USD)},
        {"credit": IN_DOLLARS},
        {"debit": IN_DOLLARS},
        {"credit": ANN},
        {"hold": ONE},
        {"move": Move.HOLD},
    ],
    ids=["nothing", "less than nothing", "another asset", "to another", "from another", "itself", "named", "nameless"],
)
def test_led_14_a_forged_transfer_is_no_refusal_but_a_fault_and_leaves_no_trace(fields: dict[str, object]) -> None:
    books, entry = known(), (post(ANN, BEN, eur(1)), forged(post(ANN, BEN, eur(1)), **fields))
    with pytest.raises(ValueError, match="transfer"):
        judged(books, *entry)
    assert books == known()


def test_led_14_a_forged_balancing_transfer_of_nothing_is_a_fault_too() -> None:
    owed = Account("cus_ann", "receivable", EUR)
    with pytest.raises(ValueError, match="no transfer"):
        judged(known(), forged(post_up_to(ANN, CAPITAL, eur(1), otherwise=owed), amount=eur(0)))
