"""What clients saw, and whether the order that the journal claims explains all of it. Pure.

The journal says in which order the payments were made, and nothing else of it is believed. A payment that was answered
lies between the moments at which it was sent and answered; so does a refusal, where the payer could not cover it; so does
every look at balances. What was not answered may have happened at any later moment, or never. Then each balance that
anybody ever saw must be what the payments before it leave: a lost update, a payment made twice, a stale or torn look and
money from nowhere all show as a line.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

FOR_EVER = float("inf")


class Outcome(StrEnum):
    MADE = "made"
    REFUSED = "refused"  # for lack of money
    UNKNOWN = "unknown"  # the line was lost, or the node said that it does not know
    NOTHING = "nothing"  # it never left, or the node said that nothing was done


@dataclass(frozen=True, slots=True)
class Payment:
    """One order of a client. `id` is the payment's, known where it was made; moments are of one monotonic clock."""

    payer: int
    payee: int
    units: int
    began: float
    ended: float
    outcome: Outcome
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Balances of these accounts at one moment between two. All accounts in one look, or one of them."""

    accounts: tuple[int, ...]
    units: tuple[int, ...]
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class History:
    initial: tuple[int, ...]
    payments: Sequence[Payment]
    looks: Sequence[Look]


def complaints(history: History, order: Sequence[str]) -> list[str]:
    """What the journal's `order` of payment ids does not explain; empty if it explains everything."""
    wrong, made = _made_in_order(history, order)
    if wrong:
        return wrong
    states = [history.initial]
    for place, payment in enumerate(made):
        before = states[-1]
        if before[payment.payer] < payment.units:
            wrong.append(f"{payment.id} at {place} spends {payment.units} of {before[payment.payer]}")
        states.append(_paid(before, payment))
    windows = _Windows(made)
    wrong += windows.contradictions(made)
    wrong += [line for payment in history.payments for line in _refusal(payment, states, windows)]
    wrong += [line for look in history.looks for line in _look(look, sum(history.initial), states, windows)]
    return wrong


def final_balances(history: History, order: Sequence[str]) -> tuple[int, ...]:
    by_id = {payment.id: payment for payment in history.payments if payment.id is not None}
    balances = history.initial
    for name in order:
        balances = _paid(balances, by_id[name])
    return balances


def _made_in_order(history: History, order: Sequence[str]) -> tuple[list[str], list[Payment]]:
    known = {payment.id: payment for payment in history.payments if payment.outcome is Outcome.MADE}
    wrong = [f"{name} is in the journal and nobody was told so" for name in order if name not in known]
    wrong += [f"{name} was answered and is not in the journal" for name in sorted(known.keys() - set(order), key=str)]
    if len(set(order)) != len(order):
        wrong.append("a payment is in the journal twice")
    return wrong, [] if wrong else [known[name] for name in order]


def _paid(balances: tuple[int, ...], payment: Payment) -> tuple[int, ...]:
    after = list(balances)
    after[payment.payer] -= payment.units
    after[payment.payee] += payment.units
    return tuple(after)


class _Windows:
    """How many payments had been made at a moment: at least those that were answered before it, and not one that was only
    sent after it. `floors` are the answers' times with the highest place so far, `ceilings` the sendings' with the lowest."""

    def __init__(self, made: Sequence[Payment]) -> None:
        answered = sorted((payment.ended, place + 1) for place, payment in enumerate(made))
        self._answered = [when for when, _ in answered]
        self._floors = list(accumulate((place for _, place in answered), max))
        sent = sorted((payment.began, place) for place, payment in enumerate(made))
        self._sent = [when for when, _ in sent]
        self._ceilings = list(accumulate((place for _, place in reversed(sent)), min))[::-1]
        self._most = len(made)

    def between(self, began: float, ended: float) -> tuple[int, int]:
        """The fewest and the most payments that may have been made at some moment between the two."""
        answered = bisect_left(self._answered, began)
        sent = bisect_right(self._sent, ended)
        fewest = self._floors[answered - 1] if answered else 0
        most = self._ceilings[sent] if sent < len(self._ceilings) else self._most
        return fewest, most

    def contradictions(self, made: Sequence[Payment]) -> list[str]:
        """Payments that the journal places before one that had been answered when they were sent, or after one that was
        only sent when they had been answered."""
        wrong = []
        for place, payment in enumerate(made):
            fewest, most = self.between(payment.began, payment.ended)
            if not fewest <= place < most:
                wrong.append(f"{payment.id} is at {place} in the journal: its time allows {fewest} to {most - 1}")
        return wrong


def _refusal(payment: Payment, states: Sequence[tuple[int, ...]], windows: _Windows) -> list[str]:
    if payment.outcome is not Outcome.REFUSED:
        return []
    fewest, most = windows.between(payment.began, payment.ended)
    if any(states[made][payment.payer] < payment.units for made in range(fewest, most + 1)):
        return []
    return [f"{payment.units} of {payment.payer} was refused between {fewest} and {most}, and could always be paid"]


def _look(look: Look, total: int, states: Sequence[tuple[int, ...]], windows: _Windows) -> list[str]:
    if len(look.accounts) == len(states[0]) and sum(look.units) != total:
        return [f"a look at everything sums to {sum(look.units)} instead of {total}"]
    fewest, most = windows.between(look.began, look.ended)
    for made in range(fewest, most + 1):
        if tuple(states[made][account] for account in look.accounts) == look.units:
            return []
    return [f"nothing explains {look.units} of {look.accounts} between {fewest} and {most} payments"]
