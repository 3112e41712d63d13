"""What legs take out of holds that the platform has placed.

Many settlements may draw on one hold, as the fills of one order do. They are decided one after another on a copy of the
hold's row, each at the version that the one before it leaves. If that one is refused after all, those after it are stale
and are decided again, those among them that seemed to find nothing left too.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import HoldNotOpen, NotAllowed, NotFound, Stale
from wallet.holds.states import State
from wallet.ids import CustomerId, HoldId
from wallet.journal.change import Update
from wallet.ledger import templates
from wallet.ledger.accounts import customer_balance
from wallet.settlements.legs import Leg, Settled, leg_row


@dataclass(slots=True)
class OpenHolds:
    """The holds that drafts name, as they are after the drafts decided so far."""

    rows: dict[str, Record]
    drawn: set[str] = field(default_factory=set)

    def drawing(self, platform: CustomerId, at: datetime) -> "Drawing":
        return Drawing(self, platform, at)


@dataclass(slots=True)
class Drawing:
    """What one settlement takes. Nothing of it counts for the next before it is `done`: it may be refused half-way."""

    holds: OpenHolds
    platform: CustomerId
    at: datetime
    taken: dict[str, int] = field(default_factory=dict)

    def settled_leg(self, leg: Leg, hold: HoldId) -> Settled:
        """Raises `NotFound` for a hold that the platform has not placed, `HoldNotOpen`, `NotAllowed`, and `Stale` where it is
        not sure yet that those before have left too little."""
        row, asset = self._row(hold), leg.amount.asset
        if row["asset"] != asset.symbol:
            raise NotAllowed(f"hold {hold} is of {row['asset']}")
        owner = CustomerId(row["owner"])
        if leg.target.account(asset) == customer_balance(owner, asset):
            raise NotAllowed("a leg moves between two accounts")
        taken = self.taken.get(hold, 0) + leg.amount.units
        remaining = row["units"] - row["settled_units"] if self._is_open(row) else 0
        if taken > remaining:
            raise Stale("placed_holds", hold) if hold in self.holds.drawn else HoldNotOpen(hold, str(remaining))
        self.taken[hold] = taken
        entry = templates.held_leg_settled(owner, leg.target.account(asset), leg.amount, hold)
        return Settled(entry, owner, {**leg_row(leg, owner), "hold": hold})

    def done(self) -> tuple[Update, ...]:
        """The writes that say what was taken; from here on it counts."""
        updates = []
        for hold, units in self.taken.items():
            row = self.holds.rows[hold]
            values: dict[str, Any] = {"settled_units": row["settled_units"] + units}
            if values["settled_units"] == row["units"]:
                values |= {"state": State.SETTLED.value, "ended_at": self.at}
            updates.append(Update("placed_holds", hold, row["version"], values))
            self.holds.rows[hold] = {**row, **values, "version": row["version"] + 1}
            self.holds.drawn.add(hold)
        return tuple(updates)

    def _row(self, hold: HoldId) -> Record:
        row = self.holds.rows.get(hold)
        if row is None or row["platform"] != self.platform:
            raise NotFound("hold", hold)
        return row

    def _is_open(self, row: Record) -> bool:
        return row["state"] == State.PLACED and (row["expires_at"] is None or self.at < row["expires_at"])


async def look_at_holds(context: Context, holds: Collection[HoldId]) -> OpenHolds:
    """One query for all of them."""
    if not holds:
        return OpenHolds({})
    table = schema.placed_holds
    names = bindparam(None, list(holds), type_=ARRAY(Text))
    return OpenHolds({row["id"]: row for row in await context.all(select(table).where(table.c.id == any_(names)))})
