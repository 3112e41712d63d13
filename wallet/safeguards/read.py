"""The safeguards of a customer as they stand, with what a decision that rests on them must require."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.customers.create import customer_names
from wallet.ids import CustomerId
from wallet.journal.change import Requirement, Update
from wallet.safeguards.rules import NO_CAPS, Caps, Rules, read_caps, read_rules

SAFEGUARDS = "safeguards"
_TABLE = schema.safeguards


@dataclass(frozen=True, slots=True)
class Safeguards:
    """One row; `version` None where there is none. `limits` are the operators'. `loosening` holds from `loosens_at` on, unless
    it is cancelled. `loosening_s` is the node's floor under which the rules were made: lowering that shortens nothing. `exits`
    counts what has left under it."""

    owner: CustomerId
    version: int | None = None
    rules: Rules = field(default_factory=Rules)
    delay_since: datetime | None = None
    loosening: Rules | None = None
    loosens_at: datetime | None = None
    limits: Mapping[str, Caps] = field(default_factory=dict)
    loosening_s: int = 0
    exits: int = 0

    @property
    def requirement(self) -> Requirement:
        """That it is as it was read, or still not there."""
        return Requirement(SAFEGUARDS, self.owner, self.version)

    @property
    def counted(self) -> Update:
        """One more exit: of two that were decided on the same sum the Journal accepts one."""
        if self.version is None:
            raise AssertionError("nothing is counted without safeguards")
        return Update(SAFEGUARDS, self.owner, self.version, {"exits": self.exits + 1})

    def caps(self, asset: str) -> Mapping[str, Caps]:
        """By who set them."""
        found = {"customer": self.rules.of(asset), "operator": self.limits.get(asset, NO_CAPS)}
        return {who: caps for who, caps in found.items() if not caps.is_empty}

    def usable_at(self, saved: Record) -> datetime:
        """Of a saved destination: a delay that was lengthened holds for whatever was still waiting then."""
        stored: datetime = saved["usable_at"]
        if self.delay_since is None or stored <= self.delay_since:
            return stored
        own: datetime = saved["saved_at"] + timedelta(seconds=self.rules.destination_delay_s)
        return max(stored, own)


async def safeguards_over(context: Context, owner: CustomerId) -> tuple[Safeguards, ...]:
    """The customer's own, and for a sub-account its platform's as well: what binds a platform binds its customers together."""
    platform = (await customer_names(context, owner))["platform"]
    owners = [owner] if platform is None else [owner, CustomerId(platform)]
    rows = {row["id"]: row for row in await context.all(select(_TABLE).where(_TABLE.c.id.in_(owners)))}
    return tuple([read_row(rows[one]) if one in rows else Safeguards(one) for one in owners])


async def safeguards_of(context: Context, owner: CustomerId) -> Safeguards:
    row = await context.one(select(_TABLE).where(_TABLE.c.id == owner))
    return Safeguards(owner) if row is None else read_row(row)


def read_row(row: Mapping[str, Any]) -> Safeguards:
    """Of the table `safeguards`."""
    return Safeguards(
        CustomerId(row["id"]),
        row["version"],
        read_rules(row["rules"]),
        row["delay_since"],
        None if row["loosening"] is None else read_rules(row["loosening"]),
        row["loosens_at"],
        read_caps(row["limits"]),
        row["loosening_s"],
        row["exits"],
    )
