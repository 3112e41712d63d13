"""Put a reorg on record before anything is done about it: how deep, and whether the network broke its word.

A network breaks it by taking back a block that it had called final. What else it takes back is the risk that its policy
knows and bears. What it had stated about our holdings on the old branch counts no more.
"""

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.deposits.cursor import read_view
from wallet.errors import Stale
from wallet.journal.change import Change, EventKind, Update
from wallet.networks.halt import network_row
from wallet.points import point
from wallet.ports import BlockRef, Network

NOWHERE = -1  # the height of an observation that counts no more: below every block

_log = structlog.get_logger("scan")


async def record_reorg(context: Context, network: Network, scanned: BlockRef, ancestor: BlockRef) -> None:
    """`scanned` is the block that was the cursor's. Halts the network where the reorg goes below what it had called final."""
    while True:
        change = await _recorded(context, network, scanned, ancestor)
        try:
            await context.journal.commit(change)
        except Stale:
            continue
        break
    _log.warning("reorg", **change.data)
    point("reorg.after_record")


async def _recorded(context: Context, network: Network, scanned: BlockRef, ancestor: BlockRef) -> Change:
    view, row = await read_view(context, network.id), await network_row(context, network.id)
    final = view["final_highest"] if view is not None else None  # it stands by that, whatever it said since
    data = {
        "network": network.id,
        "from_height": scanned.height,
        "ancestor_height": ancestor.height,
        "depth": scanned.height - ancestor.height,
        "final_height": final,
    }
    writes = await _observations_void(context, network, ancestor)
    if final is None or ancestor.height >= final:
        return Change(ACTOR_NODE, EventKind.NETWORK_REORGANISED, data, writes=writes)
    reason = (
        f"it took back {data['depth']} blocks from {scanned.height} on, below {final}, which it had called final. Look at"
        f" `coffer deposit reorged`, then `coffer network resume {network.id} REASON`"
    )
    if row["halt_reason"] is None:
        writes += (Update("networks", network.id, row["version"], {"halt_reason": reason}),)
    return Change(ACTOR_NODE, EventKind.NETWORK_HALTED, {**data, "reason": reason}, writes=writes)


async def _observations_void(context: Context, network: Network, ancestor: BlockRef) -> tuple[Update, ...]:
    table = schema.observations
    wanted = select(table).where(table.c.network == network.id, table.c.height > ancestor.height).order_by(table.c.id)
    return tuple(_void(row) for row in await context.all(wanted))


def _void(row: Record) -> Update:
    return Update("observations", row["id"], row["version"], {"height": NOWHERE, "units": 0})
