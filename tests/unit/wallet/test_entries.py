"""Every way in which money moves, transfer by transfer, and the chart of accounts name by name."""

from collections.abc import Callable

import pytest

from wallet.ids import AccountId, CustomerId, HoldId, NetworkId
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Account, Flags, account_of, owner_of, shown_sign
from wallet.ledger.transfers import Entry, Move, Transfer, hold, moved_by, post, post_up_to, settle
from wallet.money import Amount, Asset

BTC, ETH = Asset("BTC", 8), Asset("ETH", 18)
NET = NetworkId("net")
ANN, BEN = CustomerId("cus_ann"), CustomerId("cus_ben")
ONE, TWO = HoldId("hld_one"), HoldId("hld_two")
HOT, PLACE = accounts.hot(NET, BTC), Account("house", "deposits@net", BTC)
GAS = Account("house", "hot@net", ETH)

Line = tuple[str, str, str, int, str | None, bool, str | None]


def btc(units: int) -> Amount:
    return Amount(units, BTC)


def eth(units: int) -> Amount:
    return Amount(units, ETH)


def line(
    move: str,
    debit: str,
    credit: str,
    units: int,
    hold_id: str | None = None,
    *,
    fact: bool = False,
    otherwise: str | None = None,
) -> Line:
    return (move, debit, credit, units, hold_id, fact, otherwise)


def lines(entry: Entry) -> list[Line]:
    return [
        (t.move.value, t.debit.id, t.credit.id, t.amount.units, t.hold, t.fact, t.otherwise.id if t.otherwise else None)
        for t in entry
    ]


BALANCE, OWED, TRANSIT = "cus_ann:balance:BTC", "cus_ann:receivable:BTC", "house:transit@net:BTC"
ENTRIES: dict[str, tuple[Callable[[], Entry], list[Line]]] = {
    "a deposit that is swept later": (
        lambda: templates.deposit_credited(ANN, NET, btc(5), swept_later=True),
        [line("post", "house:deposits@net:BTC", OWED, 5, otherwise=BALANCE)],
    ),
    "a deposit that lies where it is spent": (
        lambda: templates.deposit_credited(ANN, NET, btc(5), swept_later=False),
        [line("post", "house:hot@net:BTC", OWED, 5, otherwise=BALANCE)],
    ),
    "a charge back": (
        lambda: templates.charged_back(ANN, HOT, btc(5)),
        [line("post", BALANCE, "house:hot@net:BTC", 5, fact=True, otherwise=OWED)],
    ),
    "funding": (
        lambda: templates.funding_received(NET, btc(5)),
        [line("post", "house:hot@net:BTC", "house:capital:BTC", 5)],
    ),
    "an outflow": (
        lambda: templates.unexplained_outflow(NET, btc(5)),
        [line("post", "house:suspense:BTC", "house:hot@net:BTC", 5, fact=True)],
    ),
    "a bank's charge": (
        lambda: templates.bank_charge(NET, btc(5)),
        [line("post", "house:network_fees:BTC", "house:hot@net:BTC", 5, fact=True)],
    ),
    "a deposit that a reorg took back": (
        lambda: templates.deposit_taken_back(ANN, PLACE, btc(5)),
        [line("post", BALANCE, "house:deposits@net:BTC", 5, fact=True)],
    ),
    "funding that a reorg took back": (
        lambda: templates.funding_taken_back(NET, btc(5)),
        [line("post", "house:capital:BTC", "house:hot@net:BTC", 5, fact=True)],
    ),
    "a withdrawal that a reorg undid": (
        lambda: templates.withdrawal_undone(ANN, NET, btc(5), btc(2)),
        [
            line("post", "house:hot@net:BTC", OWED, 5, otherwise=BALANCE),
            line("post", "house:fees_earned:BTC", OWED, 2, otherwise=BALANCE),
        ],
    ),
    "a withdrawal without a fee that a reorg undid": (
        lambda: templates.withdrawal_undone(ANN, NET, btc(5), btc(0)),
        [line("post", "house:hot@net:BTC", OWED, 5, otherwise=BALANCE)],
    ),
    "a sweep that a reorg undid": (
        lambda: templates.sweep_undone(NET, btc(5)),
        [line("post", "house:deposits@net:BTC", "house:hot@net:BTC", 5, fact=True)],
    ),
    "a gas funding that a reorg undid": (
        lambda: templates.gas_funding_undone(NET, eth(5)),
        [line("post", "house:hot@net:ETH", "house:deposits@net:ETH", 5, fact=True)],
    ),
    "a fee that was more": (
        lambda: templates.fee_corrected(HOT, btc(5), btc(7)),
        [line("post", "house:network_fees:BTC", "house:hot@net:BTC", 2, fact=True)],
    ),
    "a fee that was less": (
        lambda: templates.fee_corrected(HOT, btc(5), btc(1)),
        [line("post", "house:hot@net:BTC", "house:network_fees:BTC", 4, fact=True)],
    ),
    "a fee that was right": (lambda: templates.fee_corrected(HOT, btc(5), btc(5)), []),
    "nothing that arrived": (lambda: templates.submission_arrived(HOT, NET, btc(0)), []),
    "a loss": (
        lambda: templates.loss_booked(PLACE, btc(5)),
        [line("post", "house:loss:BTC", "house:deposits@net:BTC", 5, fact=True)],
    ),
    "a payment": (
        lambda: templates.payment_sent(ANN, BEN, btc(5)),
        [line("post", BALANCE, "cus_ben:balance:BTC", 5)],
    ),
    "a hold": (
        lambda: templates.hold_placed(ANN, btc(5), ONE),
        [line("hold", BALANCE, "house:clearing:BTC", 5, ONE)],
    ),
    "a hold released": (
        lambda: templates.hold_released(ANN, btc(5), ONE),
        [line("void", BALANCE, "house:clearing:BTC", 5, ONE)],
    ),
    "a leg": (
        lambda: templates.leg_settled(PLACE, HOT, btc(5)),
        [line("post", "house:deposits@net:BTC", "house:hot@net:BTC", 5)],
    ),
    "a leg out of a hold": (
        lambda: templates.held_leg_settled(ANN, HOT, btc(5), ONE),
        [
            line("settle", BALANCE, "house:clearing:BTC", 5, ONE),
            line("post", "house:clearing:BTC", "house:hot@net:BTC", 5),
        ],
    ),
    "a trade": (
        lambda: templates.trade_settled(
            [templates.payment_sent(ANN, BEN, btc(1)), templates.payment_sent(BEN, ANN, btc(2))]
        ),
        [line("post", BALANCE, "cus_ben:balance:BTC", 1), line("post", "cus_ben:balance:BTC", BALANCE, 2)],
    ),
    "a withdrawal asked for": (
        lambda: templates.withdrawal_requested(ANN, NET, btc(5), btc(1), ONE, TWO),
        [line("hold", BALANCE, TRANSIT, 5, ONE), line("hold", BALANCE, "house:fees_earned:BTC", 1, TWO)],
    ),
    "a withdrawal asked for without a fee": (
        lambda: templates.withdrawal_requested(ANN, NET, btc(5), btc(0), ONE, TWO),
        [line("hold", BALANCE, TRANSIT, 5, ONE)],
    ),
    "a withdrawal released": (
        lambda: templates.withdrawal_released(ANN, NET, btc(5), btc(1), ONE, TWO),
        [line("void", BALANCE, TRANSIT, 5, ONE), line("void", BALANCE, "house:fees_earned:BTC", 1, TWO)],
    ),
    "a withdrawal settled": (
        lambda: templates.withdrawal_settled(ANN, NET, btc(5), btc(1), ONE, TWO),
        [line("settle", BALANCE, TRANSIT, 5, ONE), line("settle", BALANCE, "house:fees_earned:BTC", 1, TWO)],
    ),
    "a submission whose fee is of another asset": (
        lambda: templates.submission_reserved(PLACE, NET, btc(5), eth(2), GAS),
        [
            line("post", TRANSIT, "house:deposits@net:BTC", 5),
            line("post", "house:transit@net:ETH", "house:hot@net:ETH", 2),
        ],
    ),
    "a submission without a fee": (
        lambda: templates.submission_reserved(PLACE, NET, btc(5), eth(0), GAS),
        [line("post", TRANSIT, "house:deposits@net:BTC", 5)],
    ),
    "a fee partly paid": (
        lambda: templates.submission_final(NET, eth(5), eth(3), GAS),
        [
            line("post", "house:network_fees:ETH", "house:transit@net:ETH", 3),
            line("post", "house:hot@net:ETH", "house:transit@net:ETH", 2),
        ],
    ),
    "a fee wholly paid": (
        lambda: templates.submission_final(NET, eth(5), eth(5), GAS),
        [line("post", "house:network_fees:ETH", "house:transit@net:ETH", 5)],
    ),
    "a fee not paid": (
        lambda: templates.submission_final(NET, eth(5), eth(0), GAS),
        [line("post", "house:hot@net:ETH", "house:transit@net:ETH", 5)],
    ),
    "no fee at all": (lambda: templates.submission_final(NET, eth(0), eth(0), GAS), []),
    "an arrival": (
        lambda: templates.submission_arrived(PLACE, NET, btc(5)),
        [line("post", "house:deposits@net:BTC", TRANSIT, 5)],
    ),
}


@pytest.mark.parametrize("what", ENTRIES)
def test_what_moves_from_where_to_where(what: str) -> None:
    make, expected = ENTRIES[what]
    assert lines(make()) == expected


@pytest.mark.parametrize(
    ("make", "name", "flags"),
    [
        (lambda: accounts.customer_balance(ANN, BTC), "cus_ann:balance:BTC", Flags.NO_OVERDRAFT),
        (lambda: accounts.platform_fees(ANN, BTC), "cus_ann:fees:BTC", Flags.NO_OVERDRAFT),
        (lambda: accounts.platform_markup(ANN, BTC), "cus_ann:markup:BTC", Flags.NO_OVERDRAFT),
        (lambda: accounts.receivable(ANN, BTC), "cus_ann:receivable:BTC", Flags.NONE),
        (lambda: accounts.hot(NET, BTC), "house:hot@net:BTC", Flags.NO_OVERSPEND),
        (lambda: accounts.deposits(NET, BTC), "house:deposits@net:BTC", Flags.NO_OVERSPEND),
        (lambda: accounts.transit(NET, BTC), "house:transit@net:BTC", Flags.NO_OVERSPEND),
        (lambda: accounts.clearing(BTC), "house:clearing:BTC", Flags.NONE),
        (lambda: accounts.capital(BTC), "house:capital:BTC", Flags.NONE),
        (lambda: accounts.fees_earned(BTC), "house:fees_earned:BTC", Flags.NONE),
        (lambda: accounts.network_fees(BTC), "house:network_fees:BTC", Flags.NONE),
        (lambda: accounts.suspense(BTC), "house:suspense:BTC", Flags.NONE),
        (lambda: accounts.loss(BTC), "house:loss:BTC", Flags.NONE),
    ],
)
def test_the_chart_of_accounts(make: Callable[[], Account], name: str, flags: Flags) -> None:
    account = make()
    assert (account.id, account.asset, account.opening_flags) == (name, BTC, flags)
    assert account.is_guarded is bool(flags & Flags.NO_OVERDRAFT)
    assert account.is_receivable is (account.code == "receivable")
    assert account_of(AccountId(name), BTC) == account


@pytest.mark.parametrize(
    ("move", "credit", "debit"),
    [
        (Move.POST, (5, 0), (-5, 0)),
        (Move.HOLD, (0, 0), (0, 5)),
        (Move.SETTLE, (5, 0), (-5, -5)),
        (Move.VOID, (0, 0), (0, -5)),
    ],
)
def test_what_a_transfer_changes_on_each_side(move: Move, credit: tuple[int, int], debit: tuple[int, int]) -> None:
    assert moved_by(move, 5, is_credit=True) == credit
    assert moved_by(move, 5, is_credit=False) == debit


def balancing(debit: Account, credit: Account, otherwise: Account, units: int = 1) -> Transfer:
    return post_up_to(debit, credit, btc(units), otherwise=otherwise)


MINE, MY_DEBT = accounts.customer_balance(ANN, BTC), accounts.receivable(ANN, BTC)
SENSELESS: dict[str, tuple[Callable[[], Transfer], str]] = {
    "another asset": (lambda: post(HOT, GAS, btc(1)), "a transfer moves one asset"),
    "an amount of another asset": (lambda: post(HOT, PLACE, eth(1)), "a transfer moves one asset"),
    "to itself": (lambda: post(HOT, HOT, btc(1)), "a transfer moves between two accounts"),
    "nothing": (lambda: post(HOT, PLACE, btc(0)), "a transfer moves at least one base unit"),
    "a hold without a name": (
        lambda: Transfer(Move.HOLD, HOT, PLACE, btc(1)),
        "holds, and only holds, have a hold id",
    ),
    "a hold that is balanced": (
        lambda: Transfer(Move.HOLD, MINE, HOT, btc(1), ONE, otherwise=MY_DEBT),
        "only what is posted at once can be balanced",
    ),
    "the rest in another asset": (
        lambda: balancing(MINE, HOT, accounts.receivable(ANN, ETH)),
        "a balancing transfer moves one asset",
    ),
    "the rest to where it goes anyway": (
        lambda: balancing(MINE, MY_DEBT, MY_DEBT),
        "the rest of a balancing transfer goes elsewhere",
    ),
    "neither is limited": (
        lambda: balancing(HOT, PLACE, MINE),
        "a balancing transfer takes from a guarded account or repays a receivable, one of the two",
    ),
    "both are limited": (
        lambda: balancing(MINE, MY_DEBT, HOT),
        "a balancing transfer takes from a guarded account or repays a receivable, one of the two",
    ),
    "the rest is nobody's debt": (
        lambda: balancing(MINE, HOT, PLACE),
        "what a guarded account does not cover is a receivable; what repays one is not",
    ),
    "the rest of a repayment is a debt": (
        lambda: balancing(HOT, MY_DEBT, accounts.receivable(BEN, BTC)),
        "what a guarded account does not cover is a receivable; what repays one is not",
    ),
}


@pytest.mark.parametrize("what", SENSELESS)
def test_a_transfer_without_sense_says_what_is_wrong(what: str) -> None:
    make, words = SENSELESS[what]
    with pytest.raises(ValueError, match=f"^{words}$"):
        make()


def test_only_what_was_posted_is_reversed() -> None:
    entry = (hold(MINE, HOT, btc(1), ONE), settle(MINE, HOT, btc(1), ONE))
    with pytest.raises(ValueError, match=r"^only what was posted is reversed$"):
        templates.entry_reversed(entry[:1])


def test_an_accounts_id_tells_whose_it_is() -> None:
    assert owner_of("cus_ann:balance:BTC") == "cus_ann"
    assert owner_of("house:hot@net:BTC") == "house"


def test_a_receivable_alone_is_told_as_what_is_owed() -> None:
    assert shown_sign("receivable") == -1
    assert {shown_sign(code) for code in ("balance", "fees", "markup", "hot@net", "clearing")} == {1}
