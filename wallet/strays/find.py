"""Look strays up for whoever wants to do something with one."""

from collections.abc import Collection, Mapping

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotAllowed, NotFound
from wallet.ids import NetworkId
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
