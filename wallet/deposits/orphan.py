"""A reorg: deposits in blocks that are no longer part of the chain disappear until they are seen again."""

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.assets.pause import pause_asset
from wallet.context import ACTOR_NODE, Context, Record
from wallet.deposits.detect import CREDITED, ORPHANED, moved
from wallet.errors import Stale
from wallet.journal.change import EventKind
from wallet.ports import BlockRef, Network

_log = structlog.get_logger("deposits")


async def orphan_above(context: Context, network: Network, ancestor: BlockRef) -> None:
    """Before credit a deposit is orphaned and may return under the same identity. After credit the finality policy was
    broken: the asset is paused and a person is told."""
    table = schema.deposits
    wanted = select(table).where(
        table.c.network == network.id, table.c.height > ancestor.height, table.c.state != ORPHANED
    )
    for row in await context.all(wanted):
        if row["state"] == CREDITED:
            reason = f"{network.id} took back block {row['height']} after deposit {row['id']} was credited from it"
            await pause_asset(context, ACTOR_NODE, row["asset"], reason)
            _log.error("reorg_after_credit", deposit=row["id"], height=row["height"])
        elif not await _orphan(context, row):
            await orphan_above(context, network, ancestor)  # somebody moved it meanwhile: look at all of them again
            return


async def _orphan(context: Context, row: Record) -> bool:
    values = {"state": ORPHANED, "height": None, "block": None}
    try:
        await context.journal.commit(await moved(context, row, EventKind.DEPOSIT_ORPHANED, values))
    except Stale:
        return False
    return True
