"""Each way in which money moves: what it does to the accounts, and that what it began can be ended exactly."""

import pytest

from wallet.errors import InsufficientFunds
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, EventKind
from wallet.journal.judge import Known, judge
from wallet.ledger import accounts, templates
from wallet.ledger.transfers import Entry, Move, Transfer, post
from wallet.money import Amount, Asset

BTC = Asset("BTC", 8)
CHAIN = NetworkId("bitcoin")
ANN, BEN = CustomerId("cus_ann"), CustomerId("cus_ben")
HOLDS = (HoldId("hld_one"), HoldId("hld_two"))


def btc(units: int) -> Amount:
    return Amount(units, BTC)


def after(*entries: Entry) -> dict[str, tuple[int, int]]:
    """Posted and held of every account, by its id without the asset."""
    known = Known()
    for entry in entries:
        judge(Change("test", EventKind.PAYMENT_SENT, {}, entry=entry), known)
    return {name.removesuffix(":BTC"): (t.posted, t.debits_pending) for name, t in known.totals.items()}


DEPOSIT = templates.deposit_credited(ANN, CHAIN, btc(1000), swept_later=False)
REQUESTED = templates.withdrawal_requested(ANN, CHAIN, btc(600), btc(50), *HOLDS)
HOT = accounts.hot(CHAIN, BTC)
RESERVED = templates.submission_reserved(HOT, CHAIN, btc(600), btc(50), HOT)


def test_a_deposit_is_owed_to_the_customer_and_lies_where_it_arrived() -> None:
    assert after(DEPOSIT) == {"house:hot@bitcoin": (-1000, 0), "cus_ann:balance": (1000, 0)}
    unswept = templates.deposit_credited(ANN, CHAIN, btc(1000), swept_later=True)
    assert after(unswept) == {"house:deposits@bitcoin": (-1000, 0), "cus_ann:balance": (1000, 0)}


def test_a_withdrawal_that_ends_well_pays_the_principal_and_earns_the_quoted_fee() -> None:
    paid = templates.withdrawal_settled(ANN, CHAIN, btc(600), btc(50), *HOLDS)
    costs = templates.submission_final(CHAIN, btc(50), btc(30), HOT)
    assert after(DEPOSIT, REQUESTED)["cus_ann:balance"] == (1000, 650)
    assert after(DEPOSIT, REQUESTED, RESERVED, (*paid, *costs)) == {
        "cus_ann:balance": (350, 0),
        "house:hot@bitcoin": (-370, 0),
        "house:transit@bitcoin": (0, 0),
        "house:fees_earned": (50, 0),
        "house:network_fees": (-30, 0),
    }


def test_a_withdrawal_that_dies_gives_everything_back() -> None:
    released = templates.withdrawal_released(ANN, CHAIN, btc(600), btc(50), *HOLDS)
    back = (
        *templates.submission_arrived(HOT, CHAIN, btc(600)),
        *templates.submission_arrived(HOT, CHAIN, btc(50)),
    )
    books = after(DEPOSIT, REQUESTED, RESERVED, (*back, *released))
    assert books["cus_ann:balance"] == (1000, 0)
    assert books["house:hot@bitcoin"] == (-1000, 0)
    assert books["house:transit@bitcoin"] == (0, 0)
    assert books["house:fees_earned"] == (0, 0)


def test_a_fee_of_zero_writes_no_transfer() -> None:
    assert len(templates.withdrawal_requested(ANN, CHAIN, btc(600), btc(0), *HOLDS)) == 1
    assert len(templates.withdrawal_settled(ANN, CHAIN, btc(600), btc(0), *HOLDS)) == 1
    assert len(templates.withdrawal_released(ANN, CHAIN, btc(600), btc(0), *HOLDS)) == 1
    assert len(templates.submission_reserved(HOT, CHAIN, btc(600), btc(0), HOT)) == 1


def test_a_submission_that_carries_what_these_books_do_not_count_moves_its_fee_alone() -> None:
    (fee,) = templates.submission_reserved(HOT, CHAIN, btc(0), btc(50), HOT)
    assert fee.amount == btc(50)
    assert templates.submission_arrived(HOT, CHAIN, btc(0)) == ()
    assert templates.submission_final(CHAIN, btc(50), btc(50), HOT)[0].move is Move.POST


def test_a_fee_above_what_was_set_aside_cannot_be_booked() -> None:
    with pytest.raises(ValueError, match="lies between"):
        templates.submission_final(CHAIN, btc(50), btc(51), HOT)


def test_a_place_cannot_pay_what_it_does_not_hold() -> None:
    with pytest.raises(InsufficientFunds):
        after(DEPOSIT, templates.submission_reserved(HOT, CHAIN, btc(1000), btc(1), HOT))


def test_a_sweep_moves_our_own_money_and_owes_nobody_more() -> None:
    unswept = accounts.deposits(CHAIN, BTC)
    deposit = templates.deposit_credited(ANN, CHAIN, btc(1000), swept_later=True)
    reserved = templates.submission_reserved(unswept, CHAIN, btc(900), btc(100), unswept)
    final = (
        *templates.submission_arrived(HOT, CHAIN, btc(900)),
        *templates.submission_final(CHAIN, btc(100), btc(40), unswept),
    )
    assert after(deposit, reserved, final) == {
        "house:deposits@bitcoin": (-60, 0),
        "cus_ann:balance": (1000, 0),
        "house:transit@bitcoin": (0, 0),
        "house:hot@bitcoin": (-900, 0),
        "house:network_fees": (-40, 0),
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: post(HOT, HOT, btc(1)), "two accounts"),
        (lambda: post(HOT, accounts.capital(BTC), btc(0)), "at least one"),
        (lambda: post(HOT, accounts.capital(Asset("ETH", 18)), btc(1)), "one asset"),
        (lambda: Transfer(Move.HOLD, HOT, accounts.capital(BTC), btc(1)), "hold id"),
        (lambda: Transfer(Move.POST, HOT, accounts.capital(BTC), btc(1), HOLDS[0]), "hold id"),
    ],
)
def test_a_transfer_that_makes_no_sense_cannot_be_written_down(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


def test_a_payment_to_nobody_new_keeps_the_sum() -> None:
    books = after(DEPOSIT, templates.payment_sent(ANN, BEN, btc(400)))
    assert books == {"house:hot@bitcoin": (-1000, 0), "cus_ann:balance": (600, 0), "cus_ben:balance": (400, 0)}
