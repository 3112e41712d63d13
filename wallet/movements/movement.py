"""A transfer from the side of one of its accounts, and how its owner is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from wallet.journal.change import EventKind
from wallet.journal.parts import part_of
from wallet.ledger.accounts import HOUSE, owner_of, shown_sign
from wallet.ledger.transfers import Move, moved_by
from wallet.money import format_units

TOLD_KINDS = (EventKind.PAYMENT_SENT.value,)
"""Events whose parties know each other. The others of a trade are their platform's business."""

Object = str | None | list[dict[str, Any]]
"""What an event tells of: the name of a thing, or its parts (`wallet.journal.parts`)."""

_OBJECTS = ("pay_", "dep_", "wdr_", "hld_", "stl_")


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer, from the side of one of its accounts. Units and figures after it are in base units, as the ledger has
    them: what is posted on a receivable is negative. `other` is the account on the other side."""

    seq: int
    ordinal: int
    account: str
    is_credit: bool
    move: Move
    other: str
    asset: str
    units: int
    posted_after: int
    held_after: int
    hold: str | None
    at: str
    kind: str
    object: str | None

    @property
    def posted_change(self) -> int:
        return moved_by(self.move, self.units, is_credit=self.is_credit)[0]

    @property
    def held_change(self) -> int:
        return moved_by(self.move, self.units, is_credit=self.is_credit)[1]


def movement_of(
    row: Mapping[str, Any], side: str, after: tuple[int, int], at: str, kind: str, named: Object
) -> Movement:
    """Of a row of transfers, as the account on this `side` of it sees it; `after` is what that has posted and held then."""
    other = "credit" if side == "debit" else "debit"
    return Movement(
        seq=row["seq"],
        ordinal=row["ordinal"],
        account=row[f"{side}_account"],
        is_credit=side == "credit",
        move=Move(row["move"]),
        other=row[f"{other}_account"],
        asset=row["asset"],
        units=int(row["units"]),
        posted_after=after[0],
        held_after=after[1],
        hold=row["hold"],
        at=at,
        kind=kind,
        object=_named(named, row[f"{side}_account"], row["hold"]),
    )


class MovementsWrong(Exception):
    """Movements do not lead from one balance to the next: the books are not what the Journal wrote (`coffer verify` says
    where)."""


def movement_view(movement: Movement, decimals: int) -> dict[str, Any]:
    """A movement for its owner."""
    _, code, _ = movement.account.split(":")
    sign = shown_sign(code)
    return {
        "at": movement.at,
        "kind": movement.kind,
        "object": movement.object,
        "account": code,
        "move": movement.move,
        "direction": "in" if movement.is_credit == (sign == 1) else "out",
        "asset": movement.asset,
        "amount": format_units(movement.units, decimals),
        "posted_after": format_units(sign * movement.posted_after, decimals),
        "held_after": format_units(movement.held_after, decimals),
    }


def told_counterparty(movement: Movement, *, sees_all: bool) -> str | None:
    """The customer on the other side; None if it is the house, oneself, or not told."""
    owner, other = owner_of(movement.account), owner_of(movement.other)
    return other if other not in (HOUSE, owner) and (sees_all or movement.kind in TOLD_KINDS) else None


class _Told(msgspec.Struct):
    id: Any = None
    reversed: Any = None
    parts: list[dict[str, Any]] = []  # msgspec gives each its own


class _Body(msgspec.Struct):
    data: _Told


_decode_body = msgspec.json.Decoder(_Body).decode


def object_of(body: bytes) -> Object:
    """The payment, deposit, withdrawal, hold or settlement that an event tells of, or that it reverses."""
    told = _decode_body(body).data
    found = told.id or told.reversed
    return found if isinstance(found, str) and found.startswith(_OBJECTS) else (told.parts or None)


def _named(named: Object, account: str, hold: str | None) -> str | None:
    """Of an event in parts the object of the part that this transfer is of."""
    if not isinstance(named, list):
        return named
    part = part_of(named, owner_of(account), hold)
    return None if part is None else str(part["id"])
