"""Indices of a network's key tree, each taken once and for all, whatever becomes of the address there.

What this prevents: one address for two customers. Networks whose trees are the same (all EVM networks of a seed are) share
one count, or Alice's address on one of them would be Bob's on another, and value that a payer sends over the wrong network
would become Bob's. The tree is named by its first address. The house counts on each network for itself: its hot address is
index 0 on each, and it is the owner on all.
"""

import asyncio
from collections.abc import Iterable

from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context
from wallet.errors import AddressKindUnknown, AlreadyExists, Stale
from wallet.ids import NetworkId
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.ports import Branch, Derived, Network

ATTEMPTS_MAX = 100  # each lost race means that another process got some
DERIVED_AT_ONCE = 25  # a millisecond


def tree_of(context: Context, network: NetworkId, branch: Branch = Branch.DEPOSIT) -> str:
    """What the customers' addresses of all networks with the same key tree have in common: the first of them."""
    return context.network(network).derive(branch, 0).address


def same_tree(context: Context, network: NetworkId, branch: Branch = Branch.DEPOSIT) -> tuple[NetworkId, ...]:
    """The other networks of this node on which customers have the very same addresses of this branch."""
    tree = tree_of(context, network, branch)
    others = [other for other in context.networks if other != network and branch in deposit_branches(context, other)]
    return tuple(other for other in others if tree_of(context, other, branch) == tree)


def kind_named(context: Context, network: NetworkId, kind: str | None) -> tuple[str | None, Branch]:
    """The kind of address that is meant and its branch of keys; without a name the one that this network gives by itself.
    Raises `NotFound` for an unknown network, and `AddressKindUnknown`."""
    kinds = context.network(network).capabilities.address_kinds
    if kind is None:
        return next(iter(kinds.items()), (None, Branch.DEPOSIT))
    if kind not in kinds:
        raise AddressKindUnknown(network, kind, tuple(kinds))
    return kind, kinds[kind]


def deposit_branches(context: Context, network: NetworkId) -> frozenset[Branch]:
    """Those that addresses of customers come from on this network."""
    return frozenset({Branch.DEPOSIT, *context.network(network).capabilities.address_kinds.values()})


async def reserve_addresses(context: Context, network: NetworkId, branch: Branch, count: int) -> list[Derived]:
    """So many addresses for customers that nobody else will ever be offered."""
    for _ in range(ATTEMPTS_MAX):
        write, start = await advance(context, network, branch, count)
        data = {"network": network, "first": start, "count": count}
        try:
            await context.journal.commit(Change(ACTOR_NODE, EventKind.ADDRESSES_RESERVED, data, writes=(write,)))
        except (Stale, AlreadyExists):
            continue
        return await derive_all(context.network(network), branch, range(start, start + count))
    raise Stale("derivations", network)


async def advance(context: Context, network: NetworkId, branch: Branch, count: int) -> tuple[Insert | Update, int]:
    """The write that takes `count` indices, and the first of them. Of two Changes that were decided on the same count, the
    second is `Stale`, or `AlreadyExists` where it would be the first of all."""
    name = f"{network if branch is Branch.HOUSE else tree_of(context, network, branch)}/{branch.value}"
    table = schema.derivations
    counter = await context.one(select(table).where(table.c.id == name))
    if counter is not None:
        start: int = counter["next"]
        return Update("derivations", name, counter["version"], {"next": start + count}), start
    start = 0 if branch is not Branch.DEPOSIT else await _counted_by_network(context, network)
    return Insert("derivations", {"id": name, "next": start + count}), start


async def _counted_by_network(context: Context, network: NetworkId) -> int:
    """Where the count goes on in books of a time when each network counted for itself."""
    names = [f"{each}/{Branch.DEPOSIT.value}" for each in (network, *same_tree(context, network))]
    table = schema.derivations
    rows = await context.all(select(table.c.next).where(table.c.id.in_(names)))
    return max((row["next"] for row in rows), default=0)


async def derive_all(network: Network, branch: Branch, indices: Iterable[int]) -> list[Derived]:
    """Curve arithmetic is work for the processor: others have their turn in between."""
    made: list[Derived] = []
    for index in indices:
        if len(made) % DERIVED_AT_ONCE == DERIVED_AT_ONCE - 1:
            await asyncio.sleep(0)
        made.append(network.derive(branch, index))
    return made
