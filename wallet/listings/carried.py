"""Whether a network carries an asset now: what a Change rests on that takes a token in or lets it out."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.errors import TokenSuspended
from wallet.journal.change import Requirement
from wallet.money import Asset
from wallet.ports import Network


async def carried(context: Context, network: Network, asset: Asset) -> tuple[Requirement, ...]:
    """Nothing for a network's own asset: it has no code that could change. Raises `TokenSuspended`."""
    if not any(listing.asset == asset and listing.contract is not None for listing in network.listings):
        return ()
    table = schema.listings
    row = await context.one(select(table).where(table.c.id == f"{network.id}/{asset.symbol}"))
    if row is None:
        return ()  # a world without books of its listings
    if row["suspended"] is not None:
        raise TokenSuspended(asset.symbol, network.id, row["suspended"])
    return (Requirement("listings", row["id"], row["version"]),)
