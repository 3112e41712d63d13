"""Give a customer an address on a network. Asking again returns the same one."""

from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import Stale
from wallet.ids import AddressId, NetworkId
from wallet.journal.body import time_text
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.ledger.accounts import HOUSE
from wallet.ports import Branch

ATTEMPTS_MAX = 100  # each lost race means that somebody else got an index; a hundred in a row means something is wrong


def address_view(row: Record) -> dict[str, object]:
    return {
        "id": row["id"],
        "network": row["network"],
        "address": row["address"],
        "created_at": time_text(row["created_at"]),
    }


async def assign_address(context: Context, actor: str, owner: str, network: NetworkId) -> dict[str, object]:
    """The owner's address on this network, made now if there is none. Raises `NotFound` for an unknown network."""
    context.network(network)
    for _ in range(ATTEMPTS_MAX):
        found = await _existing(context, owner, network)
        if found is not None:
            return address_view(found)
        try:
            return await _assign_next(context, actor, owner, network)
        except Stale:
            continue
    raise Stale("derivations", network)


async def assign_house_address(context: Context, network: NetworkId) -> dict[str, object]:
    """The node's own address: operators fund it, withdrawals leave from it, change returns to it."""
    return await assign_address(context, ACTOR_NODE, HOUSE, network)


async def _existing(context: Context, owner: str, network: NetworkId) -> Record | None:
    table = schema.addresses
    wanted = select(table).where(table.c.owner == owner, table.c.network == network).order_by(table.c.id).limit(1)
    return await context.one(wanted)


async def _assign_next(context: Context, actor: str, owner: str, network: NetworkId) -> dict[str, object]:
    branch = Branch.HOUSE if owner == HOUSE else Branch.DEPOSIT
    counter_id = f"{network}/{branch.value}"
    counter = await context.one(select(schema.derivations).where(schema.derivations.c.id == counter_id))
    index = counter["next"] if counter else 0
    advance = (
        Update("derivations", counter_id, counter["version"], {"next": index + 1})
        if counter
        else Insert("derivations", {"id": counter_id, "next": 1})
    )
    derived = context.network(network).derive(branch, index)
    row = {
        "id": AddressId(context.new_id("adr")),
        "network": network,
        "address": derived.address,
        "path": derived.path,
        "owner": owner,
        "created_at": context.clock.now(),
    }
    view = address_view(row)
    change = Change(
        actor,
        EventKind.ADDRESS_ASSIGNED,
        view,
        writes=(advance, Insert("addresses", row)),
        viewers=() if owner == HOUSE else (owner,),
        result=view,
    )
    committed = await context.journal.commit(change)
    return dict(committed.result)
