"""Give a customer an address on a network. Asking again returns the same one."""

import asyncio
from collections.abc import Sequence

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
DERIVED_AT_ONCE = 25  # a few milliseconds


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
    writes, (row,) = await next_addresses(context, [(owner, network)])
    view = address_view(row)
    viewers = () if owner == HOUSE else (owner,)
    change = Change(actor, EventKind.ADDRESS_ASSIGNED, view, writes=writes, viewers=viewers, result=view)
    committed = await context.journal.commit(change)
    return dict(committed.result)


async def next_addresses(
    context: Context, wanted: Sequence[tuple[str, NetworkId]]
) -> tuple[tuple[Insert | Update, ...], list[Record]]:
    """The next unused address for each (owner, network), and what a Change writes to assign them all. Two Changes that
    were decided on the same counter cannot both be committed: the second is `Stale`."""
    by_counter: dict[tuple[NetworkId, Branch], list[str]] = {}
    for owner, network in wanted:
        branch = Branch.HOUSE if owner == HOUSE else Branch.DEPOSIT
        by_counter.setdefault((network, branch), []).append(owner)
    writes: list[Insert | Update] = []
    rows: list[Record] = []
    for (network, branch), owners in by_counter.items():
        advance, start = await _advance(context, f"{network}/{branch.value}", len(owners))
        made = await _derived(context, network, branch, start, owners)
        writes += [advance, *[Insert("addresses", row) for row in made]]
        rows += made
    return tuple(writes), rows


async def _advance(context: Context, counter_id: str, count: int) -> tuple[Insert | Update, int]:
    """The write that takes `count` indices of this counter, and the first of them."""
    counter = await context.one(select(schema.derivations).where(schema.derivations.c.id == counter_id))
    if counter is None:
        return Insert("derivations", {"id": counter_id, "next": count}), 0
    start: int = counter["next"]
    return Update("derivations", counter_id, counter["version"], {"next": start + count}), start


async def _derived(
    context: Context, network: NetworkId, branch: Branch, start: int, owners: Sequence[str]
) -> list[Record]:
    rows: list[Record] = []
    for number, owner in enumerate(owners):
        if number % DERIVED_AT_ONCE == DERIVED_AT_ONCE - 1:
            await asyncio.sleep(0)  # curve arithmetic: others have their turn in between
        derived = context.network(network).derive(branch, start + number)
        row = {"id": AddressId(context.new_id("adr")), "network": network, "address": derived.address}
        rows.append({**row, "path": derived.path, "owner": owner, "created_at": context.clock.now()})
    return rows
