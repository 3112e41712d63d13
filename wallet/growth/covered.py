"""Is what a block claims part of growth that was written down? A node that sees more, asked again, would tell it twice."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.growth.identity import growth_start, is_growth
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
        table.c.identity.like("growth:%"),
    )
    found = any(growth_start(row["identity"]) < height for row in await context.all(wanted))
    return DOUBT_COVERED if found else None
