"""The checker itself: a true history passes, and each planted fault is found. LED-02 rests on it."""

import random
from dataclasses import replace

import pytest

from tests.bank.history import FOR_EVER, History, Look, Outcome, Payment, complaints, final_balances

MADE, REFUSED, UNKNOWN = Outcome.MADE, Outcome.REFUSED, Outcome.UNKNOWN
ALL = (0, 1, 2)


def true_history(seed: int, payments: int = 60) -> tuple[History, list[str]]:
    """Operations that overlap, each with its effect at a moment between its ends."""
    chance = random.Random(seed)
    balances, order, done, looks = [100, 100, 100], [], [], []
    for n in range(payments):
        moment = float(n)
        began, ended = moment - chance.uniform(0.1, 3), moment + chance.uniform(0.1, 3)
        if n % 3 == 0:
            accounts = ALL if n % 2 else (n % 3,)
            looks.append(Look(accounts, tuple(balances[a] for a in accounts), began, ended))
            continue
        payer, payee = chance.sample(range(3), 2)
        units = chance.randint(1, 120)
        if balances[payer] < units:
            done.append(Payment(payer, payee, units, began, ended, REFUSED))
            continue
        balances[payer] -= units
        balances[payee] += units
        order.append(f"pay_{n}")
        done.append(Payment(payer, payee, units, began, FOR_EVER if n % 7 == 0 else ended, MADE, f"pay_{n}"))
    return History((100, 100, 100), done, looks), order


def small(*payments: Payment, looks: tuple[Look, ...] = ()) -> History:
    return History((100, 100, 100), payments, looks)


def paid(name: str, payer: int, payee: int, units: int, began: float, ended: float) -> Payment:
    return Payment(payer, payee, units, began, ended, MADE, name)


@pytest.mark.parametrize("seed", range(20))
def test_a_true_history_is_explained(seed: int) -> None:
    history, order = true_history(seed)
    assert complaints(history, order) == []
    assert sum(final_balances(history, order)) == 300


@pytest.mark.parametrize("seed", range(20))
def test_a_payment_that_was_answered_and_lost_is_found(seed: int) -> None:
    history, order = true_history(seed)
    assert complaints(history, order[:-1]) == [f"{order[-1]} was answered and is not in the journal"]


def test_a_lost_update_is_found_by_the_next_look() -> None:
    """Both are in the journal, and the second wrote over what the first had left."""
    payments = paid("a", 0, 1, 10, 0, 1), paid("b", 0, 2, 20, 0, 1)
    true = Look(ALL, (70, 110, 120), 2, 3)
    assert complaints(small(*payments, looks=(true,)), ["a", "b"]) == []
    overwritten = replace(true, units=(80, 110, 120))
    assert "sums to 310 instead of 300" in complaints(small(*payments, looks=(overwritten,)), ["a", "b"])[0]
    one_account = Look((0,), (80,), 2, 3)
    assert "nothing explains (80,)" in complaints(small(*payments, looks=(one_account,)), ["a", "b"])[0]


def test_a_stale_look_is_found() -> None:
    """It sums up, but shows what was before a payment that had been answered."""
    payment, stale = paid("a", 0, 1, 10, 0, 1), Look(ALL, (100, 100, 100), 2, 3)
    assert "nothing explains" in complaints(small(payment, looks=(stale,)), ["a"])[0]
    assert complaints(small(payment, looks=(replace(stale, began=0.5),)), ["a"]) == []


def test_a_look_into_the_future_is_found() -> None:
    payment, early = paid("a", 0, 1, 10, 5, 6), Look(ALL, (90, 110, 100), 2, 3)
    assert "nothing explains" in complaints(small(payment, looks=(early,)), ["a"])[0]


def test_a_torn_look_is_found() -> None:
    """Half of one payment and half of another: the sum alone would not show it."""
    payments = paid("a", 0, 1, 10, 0, 9), paid("b", 2, 1, 10, 0, 9)
    torn = Look(ALL, (90, 120, 90), 1, 8), Look(ALL, (90, 110, 100), 1, 8), Look(ALL, (100, 110, 90), 1, 8)
    wrong = complaints(small(*payments, looks=torn), ["a", "b"])
    assert wrong == ["nothing explains (100, 110, 90) of (0, 1, 2) between 0 and 2 payments"]


def test_money_that_was_not_there_is_found() -> None:
    payments = paid("a", 0, 1, 100, 0, 1), paid("b", 0, 2, 100, 0, 1)
    assert complaints(small(*payments), ["a", "b"]) == ["b at 1 spends 100 of 0"]


def test_a_payment_made_twice_is_found() -> None:
    once = paid("a", 0, 1, 10, 0, 1)
    assert complaints(small(once), ["a", "b"]) == ["b is in the journal and nobody was told so"]
    assert complaints(small(once), ["a", "a"]) == ["a payment is in the journal twice"]


def test_a_refusal_that_the_money_contradicts_is_found() -> None:
    refused = Payment(0, 1, 50, 2, 3, REFUSED)
    assert "could always be paid" in complaints(small(refused), [])[0]
    assert complaints(small(paid("a", 0, 1, 60, 0, 1), refused), ["a"]) == []


def test_an_order_that_time_contradicts_is_found() -> None:
    first, second = paid("a", 0, 1, 10, 0, 1), paid("b", 0, 1, 10, 2, 3)
    assert complaints(small(first, second), ["a", "b"]) == []
    assert len(complaints(small(first, second), ["b", "a"])) == 2


def test_what_was_not_answered_may_come_late_or_never() -> None:
    late = replace(paid("a", 0, 1, 10, 0, 1), ended=FOR_EVER)
    looks = (Look(ALL, (100, 100, 100), 5, 6), Look(ALL, (90, 110, 100), 8, 9))
    assert complaints(small(late, looks=looks), ["a"]) == []
    assert complaints(small(Payment(0, 1, 10, 0, 1, UNKNOWN), looks=looks[:1]), []) == []
