"""How deep a deposit must lie beyond what its network calls final: deeper for more value, and deepest for a miner's reward.

What this prevents: a large sum that is paid in many small parts, each of them believed early (DPB-04). What is judged is not
the deposit but the sum that would fall together or in a row: all that its owner received in the window, all that they received
in blocks that one reorg of the greatest depth would take (what waited long for its block came to the books on another day), and
all that the same tx pays to anybody here.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Select, and_, func, or_, select, type_coerce

from wallet import schema
from wallet.context import Context, Record
from wallet.deposits.states import CONFIRMING, CREDITED, DETECTED
from wallet.ports import Listing

_COUNTED = (DETECTED, CONFIRMING, CREDITED)


async def depths(context: Context, rows: Sequence[Record]) -> Mapping[str, int]:
    """The confirmations that each of these deposits needs at the least, by its id; those that need none are left out."""
    needed = {row["id"]: row["confirmations_min"] for row in rows if row["confirmations_min"]}
    for listing, ids in _stepped(context, rows):
        for row in await context.all(_sums(listing, ids)):
            needed[row["id"]] = max(needed.get(row["id"], 0), depth_of(listing, row["units"]))
    return {deposit: depth for deposit, depth in needed.items() if depth}


def depth_of(listing: Listing, units: int) -> int:
    """The confirmations that so much needs at the least; 0 where finality is enough."""
    return max([step.confirmations for step in listing.steps if units > step.above_units], default=0)


def _stepped(context: Context, rows: Sequence[Record]) -> list[tuple[Listing, list[str]]]:
    """Deposits of assets whose depth grows with the sum, by their listing."""
    found = []
    for network in context.networks.values():
        for listing in network.listings:
            place = (listing.network, listing.asset.symbol)
            ids = [row["id"] for row in rows if (row["network"], row["asset"]) == place]
            if listing.steps and ids:
                found.append((listing, ids))
    return found


def _sums(listing: Listing, ids: Sequence[str]) -> Select[tuple[str, int]]:
    """What counts beside each deposit, itself included. One that came after it counts too: both may fall together."""
    one, other = schema.deposits.alias("one"), schema.deposits.alias("other")
    same_asset = and_(other.c.network == one.c.network, other.c.asset == one.c.asset, other.c.state.in_(_COUNTED))
    window = timedelta(seconds=listing.steps_window_s)
    reach = max(step.confirmations for step in listing.steps)
    soon = other.c.created_at.between(one.c.created_at - window, one.c.created_at + window)
    near = or_(soon, other.c.height.between(one.c.height - reach, one.c.height + reach))
    together = or_(other.c.tx == one.c.tx, and_(other.c.owner == one.c.owner, near))
    units = type_coerce(func.sum(other.c.units), schema.Units).label("units")
    return (
        select(one.c.id, units)
        .select_from(one.join(other, or_(other.c.id == one.c.id, and_(same_asset, together))))
        .where(one.c.id.in_(ids))
        .group_by(one.c.id)
    )
