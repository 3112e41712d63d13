"""Stop one network when it has broken its word, and start it again when a person has looked.

Halted, it is still scanned, and what was sent before is followed; but nothing that arrives on it is credited, and nothing
new is signed for it. Customers keep what they have and pay each other.
"""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NetworkHalted, NotAllowed, NotFound, Stale
from wallet.ids import NetworkId
from wallet.journal.change import Change, EventKind, Requirement, Update


async def halt_network(context: Context, actor: str, network: str, reason: str) -> bool:
    """From the commit on. Halting again keeps the first reason; False says that it was halted already."""
    return await _switch(context, actor, network, reason, halted=True)


async def resume_network(context: Context, actor: str, network: str, reason: str) -> bool:
    """A person has looked, and the reason goes on record. Raises `NotFound`, `NotAllowed` without a reason."""
    if not reason.strip():
        raise NotAllowed("a network is resumed with a reason: it goes on record")
    return await _switch(context, actor, network, reason, halted=False)


async def running(context: Context, network: NetworkId) -> Requirement:
    """What a Change that credits or signs on this network requires: that nobody has halted it. Raises `NetworkHalted`."""
    row = await network_row(context, network)
    if row["halt_reason"] is not None:
        raise NetworkHalted(network, row["halt_reason"])
    return Requirement("networks", network, row["version"])


async def is_halted(context: Context, network: NetworkId) -> bool:
    """Raises `NotFound` for a network that was never opened."""
    return (await network_row(context, network))["halt_reason"] is not None


async def network_row(context: Context, network: str) -> Record:
    """Raises `NotFound` for a network that was never opened."""
    row = await context.one(select(schema.networks).where(schema.networks.c.id == network))
    if row is None:
        raise NotFound("network", network)
    return row


async def _switch(context: Context, actor: str, network: str, reason: str, *, halted: bool) -> bool:
    kind = EventKind.NETWORK_HALTED if halted else EventKind.NETWORK_RESUMED
    while True:
        row = await network_row(context, network)
        if (row["halt_reason"] is not None) == halted:
            return False
        update = Update("networks", network, row["version"], {"halt_reason": reason if halted else None})
        try:
            await context.journal.commit(Change(actor, kind, {"network": network, "reason": reason}, writes=(update,)))
        except Stale:
            continue
        return True
