"""Open a network: at first contact write down which one it is; ever after refuse another under the same name."""

from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.freeze import freeze_in
from wallet.deposits.cursor import anchor
from wallet.ids import NetworkId
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.money import Asset
from wallet.ports import Listing, Network, NetworkMismatch, Source


async def list_asset(context: Context, asset: Asset) -> None:
    """Raises `NetworkMismatch` if the books know this asset with another scale."""
    row = await context.one(select(schema.assets).where(schema.assets.c.id == asset.symbol))
    if row is None:
        values = {"id": asset.symbol, "decimals": asset.decimals, "paused": False, "pause_reason": None}
        data = {"asset": asset.symbol, "decimals": asset.decimals}
        await context.journal.commit(
            Change(ACTOR_NODE, EventKind.ASSET_LISTED, data, writes=(Insert("assets", values),))
        )
    elif row["decimals"] != asset.decimals:
        raise NetworkMismatch(
            f"{asset.symbol} has {row['decimals']} decimals in the books and {asset.decimals} in the configuration"
        )
    await freeze_in(context, asset)


async def open_network(context: Context, network: Network, kind: str, public_keys: str) -> None:
    """Raises `NetworkMismatch` in one line when chain, keys or listings are not those of the books."""
    identity = await network.identity()
    row = await context.one(select(schema.networks).where(schema.networks.c.id == network.id))
    if row is None:
        await _open_first(context, network, kind, identity, public_keys)
        return
    if row["identity"] != identity:
        raise NetworkMismatch(
            f"{network.id} is another chain or account than the one in these books:"
            f" {identity} instead of {row['identity']}. Use a new database, or the old network"
        )
    if row["public_keys"] != public_keys:
        await _take_more_keys(context, row, public_keys)
    for listing in network.listings:
        await _check_listing(context, listing)


async def _take_more_keys(context: Context, row: Record, public_keys: str) -> None:
    """The same seed may tell of a further branch of keys than it did when these books were opened."""
    if not public_keys.startswith(f"{row['public_keys']} "):
        raise NetworkMismatch(f"{row['id']}: the signer has another seed than the one these books were opened with")
    data = {"network": row["id"], "public_keys": public_keys}
    write = Update("networks", row["id"], row["version"], {"public_keys": public_keys})
    await context.journal.commit(Change(ACTOR_NODE, EventKind.NETWORK_KEYS_ADDED, data, writes=(write,)))


async def _open_first(context: Context, network: Network, kind: str, identity: str, public_keys: str) -> None:
    """No address of ours exists yet, so nothing before the next block can be ours; a bank is read from its first
    statement."""
    start = 1 if network.capabilities.source is Source.FILE else await _anchored(context, network) + 1
    row = {
        "id": network.id,
        "kind": kind,
        "identity": identity,
        "public_keys": public_keys,
        "start_height": start,
    }
    inserts = tuple(Insert("listings", _listing_row(listing)) for listing in network.listings)
    data = {"network": network.id, "kind": kind, "identity": identity, "start_height": start}
    change = Change(ACTOR_NODE, EventKind.NETWORK_OPENED, data, writes=(Insert("networks", row), *inserts))
    await context.journal.commit(change)


async def _anchored(context: Context, network: Network) -> int:
    """The tip's height. The newest final block and the tip are kept: whatever a reorg takes back, it shares the first."""
    tip, final = await network.tip(), await network.final() or await network.block_ref(0)
    await anchor(context, network.id, [block for block in (final, tip) if block is not None])
    return tip.height


def _listing_row(listing: Listing) -> dict[str, object]:
    return {
        "id": f"{listing.network}/{listing.asset.symbol}",
        "network": listing.network,
        "asset": listing.asset.symbol,
        "contract": listing.contract,
        "decimals": listing.decimals,
        "code_hash": None,
        "implementation": None,
        "implementation_hash": None,
        "suspended": None,
        "deposit_min_units": None,
        "withdrawal_min_units": None,
        "sweep_min_units": None,
    }


async def _check_listing(context: Context, listing: Listing) -> None:
    wanted = _listing_row(listing)
    row = await context.one(select(schema.listings).where(schema.listings.c.id == wanted["id"]))
    if row is None:
        data = {"network": listing.network, "asset": listing.asset.symbol, "contract": listing.contract}
        change = Change(ACTOR_NODE, EventKind.ASSET_LISTED, data, writes=(Insert("listings", wanted),))
        await context.journal.commit(change)
    elif (row["contract"], row["decimals"]) != (listing.contract, listing.decimals):
        raise NetworkMismatch(f"{wanted['id']}: contract or decimals differ from the books")


async def start_height(context: Context, network: NetworkId) -> int:
    row = await context.one(select(schema.networks.c.start_height).where(schema.networks.c.id == network))
    if row is None:
        raise NetworkMismatch(f"{network} was never opened")
    height: int = row["start_height"]
    return height
