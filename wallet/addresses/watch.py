"""Addresses that books do not know of any more: watched, given to nobody, and later to whose they prove to be.

What this prevents: books that were lost, or are older than the world, offer indices that were handed out before to other
customers, and are deaf to what arrives there. So the next indices of every key tree are taken, as many as may have been handed
out since, and their addresses belong to nobody. Whatever arrives there is quarantined as `unattributed`; a person who knows
whose an address was gives it to them. The gap between used addresses does not matter (BIP-44 would have it at most 20).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import func, select

from wallet import schema
from wallet.addresses.assign import address_row
from wallet.addresses.reserve import ATTEMPTS_MAX, advance, deposit_branches, derive_all
from wallet.context import Context
from wallet.customers.create import find_open_customer
from wallet.customers.viewers import viewers_of
from wallet.errors import AlreadyExists, NotAllowed, NotFound, Stale
from wallet.ids import NetworkId
from wallet.journal.change import Change, Committed, EventKind, Insert, Requirement, Update
from wallet.ledger.accounts import NOBODY
from wallet.ports import Branch

CHANGE_ROWS = 500  # addresses a Change: some 150 KB, and 20 ms to derive

_TABLE = schema.addresses


@dataclass(frozen=True, slots=True)
class Watched:
    """A run of indices whose addresses are watched from now on."""

    network: NetworkId
    branch: Branch
    first: int
    count: int


async def watch_ahead(
    context: Context, actor: str, network: NetworkId, count: int, reason: str
) -> AsyncIterator[Watched]:
    """Takes so many indices of each branch that customers' addresses of this network come from. Tells of each Change."""
    for branch in sorted(deposit_branches(context, network)):
        left = count
        while left:
            part = min(left, CHANGE_ROWS)
            yield await _watched(context, actor, network, branch, part, reason)
            left -= part


async def _watched(
    context: Context, actor: str, network: NetworkId, branch: Branch, count: int, reason: str
) -> Watched:
    for _ in range(ATTEMPTS_MAX):
        write, start = await advance(context, network, branch, count)
        made = await derive_all(context.network(network), branch, range(start, start + count))
        kinds = context.network(network).capabilities.address_kinds
        kind = next((name for name, of in kinds.items() if of is branch), None)
        rows = [address_row(context, NOBODY, network, derived, kind=kind) for derived in made]
        data = {"network": network, "branch": branch.value, "first": start, "count": count, "reason": reason}
        writes = (write, *[Insert("addresses", row) for row in rows])
        try:
            await context.journal.commit(Change(actor, EventKind.ADDRESSES_WATCHED, data, writes=writes))
        except (Stale, AlreadyExists):
            continue
        return Watched(network, branch, start, count)
    raise Stale("derivations", network)


async def missing_behind(context: Context, network: NetworkId, gap: int) -> int:
    """How many addresses must still be watched, so that of each kind `gap` unused ones lie behind the last at which something
    arrived."""
    nobodys = (_TABLE.c.network == network, _TABLE.c.owner == NOBODY)
    kinds = await context.all(select(_TABLE.c.kind).where(*nobodys).distinct())
    return max([await _missing(context, network, row["kind"], gap) for row in kinds], default=gap)


async def _missing(context: Context, network: NetworkId, kind: str | None, gap: int) -> int:
    deposits = schema.deposits
    of_kind = (_TABLE.c.network == network, _TABLE.c.owner == NOBODY, _TABLE.c.kind.is_not_distinct_from(kind))
    arrived = (
        select(deposits.c.id).where(deposits.c.network == network, deposits.c.address == _TABLE.c.address).exists()
    )
    used = select(func.coalesce(func.max(_TABLE.c.position), 0)).where(*of_kind, arrived).scalar_subquery()
    behind = await context.one(select(func.count().label("count")).where(*of_kind, _TABLE.c.position > used))
    return gap - int(behind["count"]) if behind else gap


async def give_address(
    context: Context, actor: str, network: NetworkId, address: str, customer: str, reason: str
) -> Committed:
    """From the commit on what arrives there is theirs; what has arrived is attributed deposit by deposit. Raises `NotFound`,
    `NotAllowed` for an address that has an owner, `CustomerClosed`, `Stale`."""
    row = await context.one(select(_TABLE).where(_TABLE.c.network == network, _TABLE.c.address == address))
    if row is None:
        raise NotFound("address", address)
    if row["owner"] != NOBODY:
        raise NotAllowed("this address belongs to somebody, for ever")
    owner = await find_open_customer(context, customer)
    result = {"id": row["id"], "network": network, "address": address, "customer": owner["id"]}
    change = Change(
        actor=actor,
        kind=EventKind.ADDRESS_GIVEN,
        data={**result, "reason": reason},
        requires=(Requirement("customers", owner["id"], owner["version"]),),
        writes=(Update("addresses", row["id"], row["version"], {"owner": owner["id"]}),),
        viewers=await viewers_of(context, owner["id"]),
        result=result,
    )
    return await context.journal.commit(change)
