"""Legs: each moves one amount from one account of a platform to another."""

from collections.abc import Mapping
from dataclasses import dataclass

from wallet.errors import AmountRefused, NotAllowed
from wallet.ids import CustomerId, HoldId
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Account
from wallet.ledger.transfers import Entry
from wallet.money import Amount, Asset, format_units

LEGS_MAX = 100  # of a settlement: its Change is written with all of them, or not at all


@dataclass(frozen=True, slots=True)
class Place:
    """Whose account it is, and which: `balance`, or what a platform has collected, `fees` or `markup`."""

    owner: CustomerId
    code: str

    @property
    def name(self) -> str:
        return self.owner if self.code == "balance" else self.code

    def account(self, asset: Asset) -> Account:
        return Account(self.owner, self.code, asset)


@dataclass(frozen=True, slots=True)
class Held:
    """A hold that the platform has placed: the leg takes a part of it, or all."""

    hold: HoldId


@dataclass(frozen=True, slots=True)
class Leg:
    """What one party gives another, or the platform takes."""

    source: Place | Held
    target: Place
    amount: Amount


def check_leg(leg: Leg, platform: CustomerId) -> None:
    """Raises `AmountRefused`, `NotAllowed`. What was collected goes to the platform's own balance and nowhere else."""
    if not leg.amount:
        raise AmountRefused("a leg moves at least one base unit")
    if leg.source == leg.target:
        raise NotAllowed("a leg moves between two accounts")
    if isinstance(leg.source, Held):
        return
    if leg.source.code in accounts.COLLECTED_CODES and leg.target != Place(platform, "balance"):
        raise NotAllowed("fees and mark-ups move to the platform's own balance")


@dataclass(frozen=True, slots=True)
class Settled:
    """A leg as it is booked: what moves, whose money it was, and how it stands in the settlement's row, where base units are
    a digit string."""

    entry: Entry
    giver: CustomerId
    row: Mapping[str, object]


def settled_leg(leg: Leg, source: Place) -> Settled:
    """Out of what is available."""
    asset = leg.amount.asset
    entry = templates.leg_settled(source.account(asset), leg.target.account(asset), leg.amount)
    return Settled(entry, source.owner, leg_row(leg, source.name))


def leg_row(leg: Leg, source: str) -> dict[str, object]:
    symbol, units = leg.amount.asset.symbol, str(leg.amount.units)
    return {"from": source, "to": leg.target.name, "asset": symbol, "units": units}


def leg_view(row: Mapping[str, object], decimals: int) -> dict[str, object]:
    amount = format_units(int(str(row["units"])), decimals)
    return {"from": row["from"], "hold": row.get("hold"), "to": row["to"], "asset": row["asset"], "amount": amount}
