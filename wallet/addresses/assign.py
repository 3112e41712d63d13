"""Give a customer addresses on a network: one that is the same whenever it is asked for, and as many others as are wanted.

An address belongs to one owner for ever. Where networks share a key tree, an owner's first address is the same on all of
them, so that what a payer sends over the wrong one arrives at an address of the same owner.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select

from wallet import schema
from wallet.addresses.reserve import advance, derive_all, kind_named, reserve_addresses, same_tree, tree_of
from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.create import find_open_customer
from wallet.errors import AlreadyExists, Refusal, Stale
from wallet.ids import AddressId, NetworkId
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Request, Requirement, Update
from wallet.journal.recall import repeatable
from wallet.ledger.accounts import HOUSE
from wallet.ports import Branch, Derived

ATTEMPTS_MAX = 100  # each lost race means that somebody else got an index; a hundred in a row means something is wrong

_TABLE = schema.addresses


@dataclass(frozen=True, slots=True)
class _Holder:
    """For whom an address is made: what the decision rests on, and who is told of it."""

    owner: str
    requires: tuple[Requirement, ...] = ()
    viewers: tuple[str, ...] = ()


def address_view(row: Record) -> dict[str, object]:
    named = {name: row[name] for name in ("kind", "label") if row[name] is not None}
    made = time_text(row["created_at"])
    return {"id": row["id"], "network": row["network"], "address": row["address"], **named, "created_at": made}


async def assign_address(
    context: Context, actor: str, owner: str, network: NetworkId, kind: str | None = None
) -> dict[str, object]:
    """The owner's address on this network (of this kind, where one is named), made now if there is none. Raises `NotFound`
    for an unknown network, `AddressKindUnknown`, and `CustomerClosed`."""
    kind_named(context, network, kind)
    for _ in range(ATTEMPTS_MAX):
        found = await first_address(context, owner, network, kind)
        if found is not None:
            return address_view(found)
        try:
            return await _assign_first(context, actor, owner, network, kind)
        except (Stale, AlreadyExists):
            continue
    raise Stale("addresses", network)


async def new_address(
    context: Context,
    actor: str,
    owner: str,
    network: NetworkId,
    label: str | None,
    request: Request | None = None,
    kind: str | None = None,
) -> Committed:
    """One more address of a customer's; those that it has go on as they were. Raises `NotFound`, `AddressKindUnknown`,
    `CustomerClosed`."""
    named, branch = kind_named(context, network, kind)

    async def decide(derived: Derived) -> Change:
        holder = await _holder(context, owner)
        return _assigned(actor, holder, address_row(context, owner, network, derived, kind=named, label=label), request)

    return await _hand_out(context, network, branch, decide, request)


async def assign_house_address(context: Context, network: NetworkId) -> dict[str, object]:
    """The node's own address: operators fund it, withdrawals leave from it, change returns to it."""
    return await assign_address(context, ACTOR_NODE, HOUSE, network)


async def first_address(context: Context, owner: str, network: NetworkId, kind: str | None = None) -> Record | None:
    """The one that its owner is given whenever they ask for an address (of this kind)."""
    wanted = select(_TABLE).where(_TABLE.c.owner == owner, _TABLE.c.network == network)
    if kind is not None:
        kinds = context.network(network).capabilities.address_kinds
        before = next((name for name, branch in kinds.items() if branch is Branch.DEPOSIT), None)
        wanted = wanted.where(
            func.coalesce(_TABLE.c.kind, before) == kind
        )  # rows from before there were kinds name none
    return await context.one(wanted.order_by(_TABLE.c.position).limit(1))  # as committed, so that it stays the first


async def _assign_first(
    context: Context, actor: str, owner: str, network: NetworkId, kind: str | None
) -> dict[str, object]:
    holder = await _holder(context, owner)
    if owner == HOUSE:
        writes, (row,) = await next_addresses(context, [(owner, network)])
        committed = await context.journal.commit(_assigned(actor, holder, row, None, writes))
        return dict(committed.result)

    named, branch = kind_named(context, network, kind)
    first_of = f"{owner}/{network}" if kind is None else f"{owner}/{network}/{kind}"

    async def decide(derived: Derived) -> Change:
        return _assigned(
            actor, holder, address_row(context, owner, network, derived, kind=named, first_of=first_of), None
        )

    elsewhere = await _address_elsewhere(context, owner, network, branch)
    if elsewhere is not None:
        return dict((await context.journal.commit(await decide(elsewhere))).result)
    return dict((await _hand_out(context, network, branch, decide, None)).result)


async def _holder(context: Context, owner: str) -> _Holder:
    if owner == HOUSE:
        return _Holder(HOUSE)
    row = await find_open_customer(context, owner)
    viewers = (owner,) if row["platform"] is None else (owner, row["platform"])
    return _Holder(owner, (Requirement("customers", owner, row["version"]),), viewers)


async def _address_elsewhere(context: Context, owner: str, network: NetworkId, branch: Branch) -> Derived | None:
    """The owner's oldest address on another network of the same key tree, which is free here."""
    others = same_tree(context, network, branch)
    if not others:
        return None
    here = select(_TABLE.c.address).where(_TABLE.c.network == network)
    wanted = select(_TABLE).where(_TABLE.c.owner == owner, _TABLE.c.network.in_(others), _TABLE.c.address.not_in(here))
    row = await context.one(wanted.order_by(_TABLE.c.id).limit(1))
    return None if row is None else Derived(row["address"], row["path"])


async def _hand_out(
    context: Context,
    network: NetworkId,
    branch: Branch,
    decide: Callable[[Derived], Awaitable[Change]],
    request: Request | None,
) -> Committed:
    """Commits what is decided on an address that nobody has. One that is not handed out after all serves the next."""
    tree = tree_of(context, network, branch)
    derived = await context.ahead.take(tree, partial(reserve_addresses, context, network, branch))
    try:
        if request is None:
            committed = await context.journal.commit(await decide(derived))
        else:
            committed = await repeatable(context.journal, request, partial(decide, derived))
    except (Refusal, Stale):
        context.ahead.give_back(tree, derived)
        raise
    if committed.replayed:
        context.ahead.give_back(tree, derived)
    return committed


def _assigned(
    actor: str,
    holder: _Holder,
    row: Record,
    request: Request | None,
    writes: tuple[Insert | Update, ...] | None = None,
) -> Change:
    view = address_view(row)
    return Change(
        actor=actor,
        kind=EventKind.ADDRESS_ASSIGNED,
        data=view,
        requires=(*holder.requires, *(request.standing if request else ())),
        writes=writes or (Insert("addresses", row),),
        viewers=holder.viewers,
        request=request,
        result=view,
    )


async def next_addresses(
    context: Context, wanted: Sequence[tuple[str, NetworkId]]
) -> tuple[tuple[Insert | Update, ...], list[Record]]:
    """A first address for each (owner, network), and what a Change writes to assign them all. Two Changes that were decided
    on the same count cannot both be committed: the second is `Stale` or `AlreadyExists`."""
    writes: list[Insert | Update] = []
    rows: list[Record] = []
    for branch, owners in _by_count(context, wanted):
        network = next(iter(owners.values()))[0]
        write, start = await advance(context, network, branch, len(owners))
        made = await derive_all(context.network(network), branch, range(start, start + len(owners)))
        for derived, (owner, networks) in zip(made, owners.items(), strict=True):
            kind = None if owner == HOUSE else kind_named(context, network, None)[0]
            rows += [
                address_row(context, owner, each, derived, kind=kind, first_of=f"{owner}/{each}") for each in networks
            ]
        writes.append(write)
    return (*writes, *[Insert("addresses", row) for row in rows]), rows


def _by_count(
    context: Context, wanted: Sequence[tuple[str, NetworkId]]
) -> list[tuple[Branch, dict[str, list[NetworkId]]]]:
    """What takes its indices from the same count, as each owner's networks: there they get one index for all of them."""
    counts: dict[tuple[Branch, str], dict[str, list[NetworkId]]] = {}
    branches = {network: kind_named(context, network, None)[1] for network in {network for _, network in wanted}}
    trees = {network: tree_of(context, network, branch) for network, branch in branches.items()}
    for owner, network in wanted:
        count = (Branch.HOUSE, str(network)) if owner == HOUSE else (branches[network], trees[network])
        counts.setdefault(count, {}).setdefault(owner, []).append(network)
    return [(branch, owners) for (branch, _), owners in counts.items()]


def address_row(
    context: Context,
    owner: str,
    network: NetworkId,
    derived: Derived,
    *,
    kind: str | None,
    first_of: str | None = None,
    label: str | None = None,
) -> Record:
    """A new row of the address book. `first_of` names whose first address it is, and on which network."""
    return {
        "id": AddressId(context.new_id("adr")),
        "network": network,
        "address": derived.address,
        "path": derived.path,
        "owner": owner,
        "kind": kind,
        "label": label,
        "first_of": first_of,
        "created_at": context.clock.now(),
    }
