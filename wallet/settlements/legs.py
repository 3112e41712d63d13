"""Legs: each moves one amount from one account of a platform to another."""

from collections.abc import Mapping
from dataclasses import dataclass

from wallet.errors import AmountRefused, NotAllowed
from wallet.ids import CustomerId
from wallet.ledger import accounts
from wallet.ledger.accounts import Account
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
class Leg:
    """What one party gives another, or the platform takes."""

    source: Place
    target: Place
    amount: Amount

    def moved(self) -> tuple[Account, Account, Amount]:
        asset = self.amount.asset
        return self.source.account(asset), self.target.account(asset), self.amount

    def row(self) -> dict[str, object]:
        """As it lies in the settlement's row: names, and base units as a digit string."""
        symbol, units = self.amount.asset.symbol, str(self.amount.units)
        return {"from": self.source.name, "to": self.target.name, "asset": symbol, "units": units}


def check_leg(leg: Leg, platform: CustomerId) -> None:
    """Raises `AmountRefused`, `NotAllowed`. What was collected goes to the platform's own balance and nowhere else."""
    if not leg.amount:
        raise AmountRefused("a leg moves at least one base unit")
    if leg.source == leg.target:
        raise NotAllowed("a leg moves between two accounts")
    if leg.source.code in accounts.COLLECTED_CODES and leg.target != Place(platform, "balance"):
        raise NotAllowed("fees and mark-ups move to the platform's own balance")


def leg_view(row: Mapping[str, object], decimals: int) -> dict[str, object]:
    amount = format_units(int(str(row["units"])), decimals)
    return {"from": row["from"], "to": row["to"], "asset": row["asset"], "amount": amount}
