"""A transfer moves one amount of one asset from a debit account to a credit account. It is immutable.

    POST                       posted at once
    HOLD ──▶ SETTLE            a pending transfer: it counts against what is available, then becomes posted …
         └─▶ VOID              … or is released; in parts or whole, never more than was held

An entry is an ordered tuple of transfers, all or nothing. (TigerBeetle's data model of two-phase transfers.)
"""

from dataclasses import dataclass
from enum import StrEnum

from wallet.ids import HoldId
from wallet.ledger.accounts import Account
from wallet.money import Amount


class Move(StrEnum):
    POST = "post"
    HOLD = "hold"
    SETTLE = "settle"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Transfer:
    """`hold` names the hold that is placed, settled or voided; it is None for POST and only then. A `fact` has happened
    outside already: it is booked whatever a place of ours then seems to hold, for a loss that cannot be written down
    would stop everything after it.

    `otherwise` makes it a balancing transfer: the Journal moves as much of the amount as the account that is guarded covers
    (the debit's available, or what the credit side still owes), and the rest from or to `otherwise` instead."""

    move: Move
    debit: Account
    credit: Account
    amount: Amount
    hold: HoldId | None = None
    fact: bool = False
    otherwise: Account | None = None

    def __post_init__(self) -> None:
        if not (self.debit.asset == self.credit.asset == self.amount.asset):
            raise ValueError("a transfer moves one asset")
        if self.debit.id == self.credit.id:
            raise ValueError("a transfer moves between two accounts")
        if self.amount.units == 0:
            raise ValueError("a transfer moves at least one base unit")
        if (self.hold is None) != (self.move is Move.POST):
            raise ValueError("holds, and only holds, have a hold id")


Entry = tuple[Transfer, ...]


def post(debit: Account, credit: Account, amount: Amount) -> Transfer:
    return Transfer(Move.POST, debit, credit, amount)


def post_fact(debit: Account, credit: Account, amount: Amount) -> Transfer:
    return Transfer(Move.POST, debit, credit, amount, fact=True)


def hold(debit: Account, credit: Account, amount: Amount, hold_id: HoldId) -> Transfer:
    return Transfer(Move.HOLD, debit, credit, amount, hold_id)


def settle(debit: Account, credit: Account, amount: Amount, hold_id: HoldId) -> Transfer:
    return Transfer(Move.SETTLE, debit, credit, amount, hold_id)


def void(debit: Account, credit: Account, amount: Amount, hold_id: HoldId) -> Transfer:
    return Transfer(Move.VOID, debit, credit, amount, hold_id)
