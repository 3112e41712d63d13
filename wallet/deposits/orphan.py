"""A reorg: deposits in blocks that are no longer part of the chain disappear until they are seen again.

Before credit one is orphaned. After credit it is uprooted: still in the books and no longer in the chain, until the new branch
has been scanned and has shown it again, or has not (`take_back`).
"""

from collections.abc import Sequence

import structlog
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Table, and_, not_, select, tuple_

from wallet import schema
from wallet.context import Context, Record
from wallet.deposits.move import moved
from wallet.deposits.states import CREDITED, ORPHANED, UPROOTED
from wallet.errors import Stale
from wallet.journal.change import Change, EventKind
from wallet.points import point
from wallet.ports import BlockRef, Network
from wallet.treasury.coins import lost_coin

STEP_MAX = 500  # deposits moved between two looks

_log = structlog.get_logger("deposits")


async def orphan_above(context: Context, network: Network, ancestor: BlockRef) -> None:
    """Repeatable: what is moved already is not among those that are left."""
    await _orphan(context, network, schema.deposits.c.height > ancestor.height)


async def orphan_beside(context: Context, network: Network, blocks: Sequence[BlockRef]) -> None:
    """What stands at the heights of these blocks and in none of them. The scan was there before on another branch, and its
    cursor was not: it died in between, or two scanned at once, or what it knew was lost."""
    if blocks:
        await _orphan(context, network, beside(schema.deposits, blocks))


def beside(table: Table, blocks: Sequence[BlockRef]) -> ColumnElement[bool]:
    """Rows at the heights of these blocks, which follow each other, and in none of them."""
    there = tuple_(table.c.height, table.c.block).in_([(block.height, block.id) for block in blocks])
    return and_(table.c.height.between(blocks[0].height, blocks[-1].height), not_(there))


async def _orphan(context: Context, network: Network, which: ColumnElement[bool]) -> None:
    table = schema.deposits
    there = select(table).where(table.c.network == network.id, which, table.c.state.not_in((ORPHANED, UPROOTED)))
    left = there.order_by(table.c.height, table.c.id).limit(STEP_MAX)
    while rows := await context.all(left):
        for row in rows:
            try:
                await context.journal.commit(await _moved(context, network, row))
            except Stale:
                continue  # somebody moved it meanwhile: it is looked at again
            point("reorg.after_deposit")


async def _moved(context: Context, network: Network, row: Record) -> Change:
    if row["state"] != CREDITED:
        values = {"state": ORPHANED, "height": None, "block": None}
        return await moved(context, row, EventKind.DEPOSIT_ORPHANED, values)
    _log.error("reorg_after_credit", deposit=row["id"], network=network.id, height=row["height"])
    step = await moved(context, row, EventKind.DEPOSIT_UPROOTED, {"state": UPROOTED, "block": None})
    return replace(step, writes=(*step.writes, *await lost_coin(context, network, row["identity"])))
