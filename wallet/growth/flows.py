"""What the books say moved at addresses up to a height: the side of the sum that is not the network's."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from wallet import schema
from wallet.context import Context, Record
from wallet.deposits.states import ORPHANED, QUARANTINED, UPROOTED
from wallet.growth.identity import DOUBT, is_growth
from wallet.ids import NetworkId
from wallet.ports import UNPROVEN_DOUBTS, Purpose
from wallet.treasury.states import FOLLOWED, State

Place = tuple[str, str]
"""An asset's symbol and an address."""


@dataclass(frozen=True, slots=True)
class Flows:
    """The deposits and submissions of some addresses, read at one moment."""

    deposits: Sequence[Record]
    submissions: Sequence[Record]

    def until(self, height: int) -> Mapping[Place, int]:
        """In base units: what arrived less what was sent, in blocks up to this one. Shown growth of tokens is no flow."""
        there: Counter[Place] = Counter()
        for row in self.deposits:
            if row["height"] <= height and row["reason"] not in UNPROVEN_DOUBTS:
                there[row["asset"], row["address"]] += row["units"]
        for row in self.submissions:
            if row["height"] is not None and row["height"] <= height:
                _send(there, row)
        return there

    def busy(self, height: int) -> set[str]:
        """Addresses of which the books do not know all up to this height yet, or know more already."""
        return {
            str(place)
            for row in self.submissions
            if row["state"] in FOLLOWED or (row["height"] or 0) > height
            for place in (row["source"], row["target"])
        }

    def growths(self, place: Place) -> list[Record]:
        """Of this place, oldest first."""
        rows = [row for row in self.deposits if (row["asset"], row["address"]) == place and is_growth(row["identity"])]
        return sorted(rows, key=lambda row: int(row["height"]))


async def read_flows(context: Context, network: NetworkId, addresses: Collection[str]) -> Flows:
    """In one short snapshot, so that a submission is not seen between two states."""
    deposits, sent = schema.deposits, schema.submissions
    arrived = select(deposits).where(
        deposits.c.network == network,
        deposits.c.address.in_(addresses),
        deposits.c.height.is_not(None),
        deposits.c.state.not_in((ORPHANED, UPROOTED)),
    )
    left = select(sent).where(
        sent.c.network == network,
        or_(sent.c.source.in_(addresses), sent.c.target.in_(addresses)),
        sent.c.state != State.STOPPED,
    )
    async with context.snapshot() as connection:
        rows = [dict(row) for row in (await connection.execute(arrived)).mappings()]
        return Flows(rows, [dict(row) for row in (await connection.execute(left)).mappings()])


async def shown_growth(context: Context, network: NetworkId, addresses: Collection[str]) -> set[str]:
    """Those with growth of a token that is shown: it may have changed, or be gone."""
    table = schema.deposits
    wanted = select(table.c.address).where(
        table.c.network == network,
        table.c.state == QUARANTINED,
        table.c.reason == DOUBT,
        table.c.address.in_(addresses),
    )
    return {row["address"] for row in await context.all(wanted)}


def _send(there: Counter[Place], row: Record) -> None:
    """What was included moved its value and cost its fee; what was included and reverted cost its fee alone."""
    source, target = str(row["source"]), row["target"]
    there[row["fee_asset"], source] -= row["fee_paid"] or 0
    if row["state"] != State.DEAD:
        there[row["asset"], source] -= row["units"]
        if row["purpose"] in (Purpose.SWEEP, Purpose.GAS_FUNDING, Purpose.ROTATION) and target is not None:
            there[row["asset"], str(target)] += row["units"]
