"""Is what a block claims part of growth that was written down? A node that sees more, asked again, would tell it twice."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.growth.identity import PREFIX, growth_start, is_growth
from wallet.ids import NetworkId
from wallet.ports import Incoming

DOUBT_COVERED = "in_growth"
_COUNTED = ("detected", "confirming", "credited")  # states of a deposit that is, or will be, somebody's money


async def in_growth(context: Context, network: NetworkId, height: int, incoming: Incoming) -> str | None:
    """The doubt, if so: the tx's own claim counts no more, since its value is in the growth. None while growth is looked for
    in order: that is only up to where every claim is written down."""
    if incoming.address is None or is_growth(incoming.identity):
        return None
    table = schema.deposits
    wanted = select(table.c.identity).where(
        table.c.network == network,
        table.c.height >= height,
        table.c.address == incoming.address,
        table.c.asset == incoming.amount.asset.symbol,
        table.c.state.in_(_COUNTED),
        table.c.identity.startswith(PREFIX),
    )
    found = any(growth_start(row["identity"]) < height for row in await context.all(wanted))
    return DOUBT_COVERED if found else None


async def is_told_twice(context: Context, row: Record) -> bool:
    """Growth, and a tx that explains it and was read only afterwards (`wallet.deposits.rescan`), are the same money: is the
    other one of the two somebody's already?"""
    table = schema.deposits
    same_place = [table.c[name] == row[name] for name in ("network", "address", "asset")]
    others = select(table).where(*same_place, table.c.id != row["id"], table.c.state.in_(_COUNTED))
    return any(_explains(*pair) for other in await context.all(others) for pair in ((row, other), (other, row)))


def _explains(tx: Record, growth: Record) -> bool:
    if is_growth(tx["identity"]) or not is_growth(growth["identity"]) or tx["height"] is None:
        return False
    is_later = bool(tx["created_at"] > growth["created_at"])  # what was read before is no part of the growth
    return is_later and growth_start(growth["identity"]) < int(tx["height"]) <= int(growth["height"])
