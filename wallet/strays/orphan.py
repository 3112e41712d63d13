"""A reorg: strays in blocks that are no longer part of the chain disappear until they are seen again."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.errors import Stale
from wallet.journal.change import EventKind
from wallet.ports import BlockRef, Network
from wallet.strays.record import moved_stray
from wallet.strays.states import State


async def orphan_strays_above(context: Context, network: Network, ancestor: BlockRef) -> None:
    """Those alone that nothing was done with: what is recovered or credited was final, and is its deposit's matter."""
    table = schema.strays
    wanted = select(table).where(
        table.c.network == network.id, table.c.height > ancestor.height, table.c.state == State.SEEN.value
    )
    values = {"state": State.ORPHANED.value, "height": None, "block": None}
    for row in await context.all(wanted):
        try:
            await context.journal.commit(await moved_stray(context, row, EventKind.STRAY_ORPHANED, values))
        except Stale:
            await orphan_strays_above(context, network, ancestor)  # somebody moved it meanwhile: look at all again
            return
