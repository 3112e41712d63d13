"""Take up in this process what was listed while it ran, here or elsewhere."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.deposits.one_provider import bounded_alike
from wallet.money import Asset
from wallet.ports import Listing, Network
from wallet.ports.tokens import Tokens


async def adopt_tokens(context: Context, network: Network) -> None:
    """Cheap where nothing is new. What was there before is in the configuration, and is not touched."""
    if not isinstance(network, Tokens):
        return
    known = {listing.asset.symbol for listing in network.listings}
    table, assets = schema.listings, schema.assets
    wanted = select(table, assets.c.decimals.label("scale")).join(assets, assets.c.id == table.c.asset)
    for row in await context.all(wanted.where(table.c.network == network.id, table.c.asset.not_in(known))):
        asset = Asset(row["asset"], row["scale"])
        least, least_out = row["deposit_min_units"] or 0, row["withdrawal_min_units"] or 0
        context.assets.setdefault(asset.symbol, asset)
        listing = Listing(network.id, asset, row["contract"], row["decimals"], least, least_out)
        network.carry(bounded_alike(network, listing))


async def sweep_minima(context: Context, network: Network) -> dict[str, int]:
    """In base units, of the tokens that operators listed: below it a deposit address is left alone."""
    table = schema.listings
    rows = await context.all(select(table).where(table.c.network == network.id, table.c.sweep_min_units.is_not(None)))
    return {row["asset"]: row["sweep_min_units"] for row in rows}
