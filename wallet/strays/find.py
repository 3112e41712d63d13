"""Look strays up for whoever wants to do something with one."""

from collections.abc import Collection, Mapping

from sqlalchemy import func, select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotAllowed, NotFound
from wallet.ids import NetworkId
from wallet.journal.change import Update
from wallet.money import rescale
from wallet.ports import Network
from wallet.strays.states import State


async def final_stray(context: Context, name: str, network: Network | None = None) -> Record:
    """One that nothing was done with, in a block that cannot be taken back. Raises `NotFound`, `NotAllowed`."""
    row = await context.one(select(schema.strays).where(schema.strays.c.id == name))
    if row is None:
        raise NotFound("stray", name)
    if row["state"] != State.SEEN:
        raise NotAllowed(f"{name} is {row['state']}")
    known, deposits = network or context.network(row["network"]), schema.deposits
    final, block = await known.final(), await known.block_ref(row["height"])
    if final is None or row["height"] > final.height or block is None or block.id != row["block"]:
        raise NotAllowed(f"{name} is not final yet: its block may still be taken back")
    same = select(deposits.c.id).where(deposits.c.network == row["network"], deposits.c.identity == row["identity"])
    if (deposit := await context.one(same)) is not None:
        raise NotAllowed(f"{name} is the deposit {deposit['id']} by now")
    return row


async def strays_by_identity(context: Context, network: NetworkId, identities: Collection[str]) -> Mapping[str, Record]:
    """Of these arrivals those that were ever written down as strays."""
    table = schema.strays
    rows = await context.all(select(table).where(table.c.network == network, table.c.identity.in_(identities)))
    return {row["identity"]: row for row in rows}


async def ended_by_growth(context: Context, grown: Record) -> tuple[Update, ...]:
    """For the Change that makes money of growth: the strays that are part of it are strays no more. Where they come to more
    than grew, nobody can tell which of them are still there, and they stay."""
    network = context.network(grown["network"])
    listing = next((one for one in network.listings if one.asset.symbol == grown["asset"]), None)
    if listing is None or listing.contract is None:
        return ()
    table = schema.strays
    wanted = select(table).where(
        table.c.network == network.id,
        table.c.address == grown["address"],
        func.lower(table.c.contract) == listing.contract.lower(),
        table.c.state == State.SEEN.value,
        table.c.height <= grown["height"],
    )
    rows = await context.all(wanted.order_by(table.c.id))
    units = sum(int(row["units"]) for row in rows)
    told = rescale(units, from_decimals=listing.decimals, to_decimals=listing.asset.decimals)
    if told is None or told > grown["units"]:
        return ()
    return tuple(Update("strays", row["id"], row["version"], {"state": State.CREDITED.value}) for row in rows)
