"""The opposite of what was posted: exact where the money is there, and owed by name where it is not."""

import pytest

from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, EventKind
from wallet.journal.judge import Known, judge
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import account_of
from wallet.ledger.transfers import Entry
from wallet.money import Amount, Asset

EUR = Asset("EUR", 2)
BANK = NetworkId("sepa")
ANN, BEN, SHOP = CustomerId("cus_ann"), CustomerId("cus_ben"), CustomerId("cus_shop")
HOLD = HoldId("hld_one")


def eur(units: int) -> Amount:
    return Amount(units, EUR)


DEPOSIT = templates.deposit_credited(ANN, BANK, eur(1000), swept_later=False)
PAID = templates.payment_sent(ANN, BEN, eur(700))
FEES = accounts.platform_fees(SHOP, EUR)


def after(*entries: Entry) -> dict[str, int]:
    """What is posted on each account that has something, by its id without the asset."""
    known = Known()
    for entry in entries:
        judge(Change("test", EventKind.PAYMENT_SENT, {}, entry=entry), known)
    assert sum(totals.posted for totals in known.totals.values()) == 0
    return {name.removesuffix(":EUR"): totals.posted for name, totals in known.totals.items() if totals.posted}


def test_money_that_is_still_there_goes_back_whole() -> None:
    assert after(DEPOSIT, PAID, templates.entry_reversed(PAID)) == after(DEPOSIT)


def test_what_the_receiver_has_spent_is_owed_in_their_name_and_the_giver_is_whole() -> None:
    spent = templates.payment_sent(BEN, SHOP, eur(500))
    assert after(DEPOSIT, PAID, spent, templates.entry_reversed(PAID)) == {
        "house:hot@sepa": -1000,
        "cus_ann:balance": 1000,
        "cus_ben:receivable": -500,
        "cus_shop:balance": 500,
    }


def test_a_trade_that_passed_money_on_is_undone_from_its_end() -> None:
    trade = templates.trade_settled(
        [
            templates.payment_sent(ANN, BEN, eur(400)),
            templates.leg_settled(accounts.customer_balance(BEN, EUR), FEES, eur(400)),
        ]
    )
    assert after(DEPOSIT, trade, templates.entry_reversed(trade)) == after(DEPOSIT)
    emptied = templates.leg_settled(FEES, accounts.customer_balance(SHOP, EUR), eur(300))
    assert after(DEPOSIT, trade, emptied, templates.entry_reversed(trade)) == {
        "house:hot@sepa": -1000,
        "cus_ann:balance": 1000,
        "cus_shop:balance": 300,
        "cus_shop:receivable": -300,
    }


def test_what_was_settled_out_of_a_hold_comes_back_free() -> None:
    held = templates.hold_placed(ANN, eur(600), HOLD)
    settled = templates.held_leg_settled(ANN, accounts.customer_balance(BEN, EUR), eur(250), HOLD)
    assert after(DEPOSIT, held, settled, templates.entry_reversed(settled)) == after(DEPOSIT)


@pytest.mark.parametrize(
    "entry", [templates.hold_placed(ANN, eur(1), HOLD), templates.hold_released(ANN, eur(1), HOLD)]
)
def test_a_promise_is_not_reversed(entry: Entry) -> None:
    with pytest.raises(ValueError, match="posted"):
        templates.entry_reversed(entry)


def test_an_account_is_found_by_its_id() -> None:
    for account in (FEES, accounts.hot(BANK, EUR), accounts.receivable(ANN, EUR)):
        assert account_of(account.id, EUR) == account
