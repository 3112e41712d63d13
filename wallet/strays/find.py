"""Look strays up for whoever wants to do something with one."""

from collections.abc import Collection

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotAllowed, NotFound
from wallet.ids import NetworkId
from wallet.ports import Network
from wallet.strays.states import State

_GONE_BACK = (State.RECOVERING, State.RECOVERED)


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


async def went_back(context: Context, network: NetworkId, identities: Collection[str]) -> frozenset[str]:
    """Of these arrivals those that were sent back as strays, or are about to be: no deposits, however they are seen again."""
    table = schema.strays
    wanted = select(table.c.identity).where(table.c.network == network, table.c.identity.in_(identities))
    rows = await context.all(wanted.where(table.c.state.in_(_GONE_BACK)))
    return frozenset(row["identity"] for row in rows)
