"""A reorg: strays in blocks that are no longer part of the chain disappear until they are seen again."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from wallet import schema
from wallet.context import Context
from wallet.deposits.orphan import beside
from wallet.errors import Stale
from wallet.journal.change import EventKind
from wallet.ports import BlockRef, Network
from wallet.strays.record import moved_stray
from wallet.strays.states import State


async def orphan_strays_above(context: Context, network: Network, ancestor: BlockRef) -> None:
    """Those alone that nothing was done with: what is recovered or credited was final, and is its deposit's matter."""
    await _orphan(context, network, schema.strays.c.height > ancestor.height)


async def orphan_strays_beside(context: Context, network: Network, blocks: Sequence[BlockRef]) -> None:
    """What stands at the heights of these blocks and in none of them, as with deposits (`orphan_beside`)."""
    if blocks:
        await _orphan(context, network, beside(schema.strays, blocks))


async def _orphan(context: Context, network: Network, which: ColumnElement[bool]) -> None:
    table = schema.strays
    there = select(table).where(table.c.network == network.id, which, table.c.state == State.SEEN.value)
    values = {"state": State.ORPHANED.value, "height": None, "block": None}
    while rows := await context.all(there):
        for row in rows:
            try:
                await context.journal.commit(await moved_stray(context, row, EventKind.STRAY_ORPHANED, values))
            except Stale:
                continue  # somebody moved it meanwhile: it is looked at again
