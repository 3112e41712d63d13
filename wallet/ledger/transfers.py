"""A transfer moves one amount of one asset from a debit account to a credit account. It is immutable.

    POST                       posted at once
    HOLD ──▶ SETTLE            a pending transfer: it counts against what is available, then becomes posted …
         └─▶ VOID              … or is released; in parts or whole, never more than was held

An entry is an ordered tuple of transfers, all or nothing. (TigerBeetle's data model of two-phase transfers.)
"""

from enum import StrEnum

import msgspec

from wallet.ids import HoldId
from wallet.ledger.accounts import Account
from wallet.money import Amount


class Move(StrEnum):
    POST = "post"
    HOLD = "hold"
    SETTLE = "settle"
    VOID = "void"


def moved_by(move: Move, units: int, *, is_credit: bool) -> tuple[int, int]:
    """By how much a transfer changes what is posted and what is held on one of its sides. Holding and releasing post nothing,
    and only the debit side promises anything."""
    posted = 0 if move in (Move.HOLD, Move.VOID) else units if is_credit else -units
    held = 0 if is_credit or move is Move.POST else units if move is Move.HOLD else -units
    return posted, held


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """`hold` names the hold that is placed, settled or voided; it is None for POST and only then. A `fact` has happened
    outside already: it is booked whatever a place of ours then seems to hold, for a loss that cannot be written down
    would stop everything after it.

    `otherwise` makes it a balancing transfer: the Journal moves as much of the amount as the account that is guarded covers
    (what is available on the debit side, or what a receivable on the credit side still owes), and the rest from or to
    `otherwise` instead. The journal then has the one or two plain transfers that came of it."""

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
        if self.otherwise is not None:
            _refuse_senseless(self, self.otherwise)


Entry = tuple[Transfer, ...]


def _refuse_senseless(transfer: Transfer, otherwise: Account) -> None:
    if transfer.move is not Move.POST:
        raise ValueError("only what is posted at once can be balanced")
    if otherwise.asset != transfer.amount.asset:
        raise ValueError("a balancing transfer moves one asset")
    if otherwise.id in (transfer.debit.id, transfer.credit.id):
        raise ValueError("the rest of a balancing transfer goes elsewhere")
    if transfer.debit.is_guarded == transfer.credit.is_receivable:
        raise ValueError("a balancing transfer takes from a guarded account or repays a receivable, one of the two")
    if transfer.debit.is_guarded != otherwise.is_receivable:
        raise ValueError("what a guarded account does not cover is a receivable; what repays one is not")


def post(debit: Account, credit: Account, amount: Amount) -> Transfer:
    return Transfer(Move.POST, debit, credit, amount)


def post_up_to(debit: Account, credit: Account, amount: Amount, *, otherwise: Account, fact: bool = False) -> Transfer:
    """A balancing transfer: up to what is there, the rest on `otherwise`."""
    return Transfer(Move.POST, debit, credit, amount, fact=fact, otherwise=otherwise)


def post_fact(debit: Account, credit: Account, amount: Amount) -> Transfer:
    return Transfer(Move.POST, debit, credit, amount, fact=True)


def hold(debit: Account, credit: Account, amount: Amount, hold_id: HoldId) -> Transfer:
    return Transfer(Move.HOLD, debit, credit, amount, hold_id)


def settle(debit: Account, credit: Account, amount: Amount, hold_id: HoldId) -> Transfer:
    return Transfer(Move.SETTLE, debit, credit, amount, hold_id)


def void(debit: Account, credit: Account, amount: Amount, hold_id: HoldId) -> Transfer:
    return Transfer(Move.VOID, debit, credit, amount, hold_id)
