"""Payments that wait for a block: shown at once, never credited, and shown as gone when they are.

    (nothing) ──▶ detected, in no block ──▶ detected, in a block ──▶ …
                      │            ▲
                      ▼            │ (it waits again, or is in a block after all: the same deposit)
                  orphaned, with the reason: replaced, conflicted or dropped

What this prevents: money that is believed because somebody announced it. A deposit without a block has no height, and nothing
without a height is ever confirmed (`confirm`).
"""

from sqlalchemy import select

from wallet import schema
from wallet.addresses.owner import owners_of_addresses
from wallet.context import Context, Record
from wallet.deposits.detect import first_sight, from_outside, why_doubted
from wallet.deposits.move import moved
from wallet.deposits.states import DETECTED, ORPHANED
from wallet.errors import AlreadyExists, Stale
from wallet.journal.change import Change, EventKind
from wallet.ports import Incoming, Network
from wallet.ports.announcing import Announcing

GONE_PER_LOOK = 200  # each costs a few questions to the node; the rest at the next look


async def announce_deposits(context: Context, network: Network) -> None:
    """One look at what waits. Repeatable. Raises the network's errors; what it did not tell changes nothing."""
    if not isinstance(network, Announcing):
        return
    waiting = {incoming.identity: incoming for incoming in await network.announced()}
    known = await _known(context, network, waiting)
    owners = await owners_of_addresses(context, network.id, {each.address for each in waiting.values() if each.address})
    for incoming in await from_outside(context, network, list(waiting.values())):
        here, owner = known.get(incoming.identity), owners.get(incoming.address or "")
        await _commit(context, await _seen(context, network, incoming, here, owner))
    for row in await _missing(context, network, waiting):
        reason = await network.departure(row["tx"])
        if reason is not None and (row["state"], row["reason"]) != (ORPHANED, reason):
            values = {"state": ORPHANED, "reason": reason.value}
            await _commit(context, await moved(context, row, EventKind.DEPOSIT_ORPHANED, values))


async def _known(context: Context, network: Network, waiting: dict[str, Incoming]) -> dict[str, Record]:
    table = schema.deposits
    if not waiting:
        return {}
    wanted = select(table).where(table.c.network == network.id, table.c.identity.in_(waiting))
    return {row["identity"]: row for row in await context.all(wanted)}


async def _seen(
    context: Context, network: Network, incoming: Incoming, known: Record | None, owner: str | None
) -> Change | None:
    """Nothing for what may never be credited as it stands: that is told when it is in a block."""
    if known is None:
        change = None if why_doubted(network, incoming) else await first_sight(context, network, None, incoming, owner)
        return change if change is not None and change.kind is EventKind.DEPOSIT_DETECTED else None
    if known["state"] != ORPHANED:
        return None
    return await moved(context, known, EventKind.DEPOSIT_DETECTED, {"state": DETECTED, "reason": None})


async def _missing(context: Context, network: Network, waiting: dict[str, Incoming]) -> list[Record]:
    """What was announced or has lost its block, and waits no more, for a reason that nobody has told yet."""
    table = schema.deposits
    untold = (table.c.state == DETECTED) | ((table.c.state == ORPHANED) & table.c.reason.is_(None))
    wanted = select(table).where(table.c.network == network.id, table.c.height.is_(None), untold)
    rows = await context.all(wanted.order_by(table.c.id).limit(GONE_PER_LOOK + len(waiting)))
    return [row for row in rows if row["identity"] not in waiting][:GONE_PER_LOOK]


async def _commit(context: Context, change: Change | None) -> None:
    """Another worker may have been faster; the next look sees how it stands."""
    if change is None:
        return
    try:
        await context.journal.commit(change)
    except (Stale, AlreadyExists):
        return
