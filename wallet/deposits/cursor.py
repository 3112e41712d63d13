"""Where the scan of each network stands. Operational state: if it is lost, blocks are scanned again and change nothing."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Delete, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from wallet.context import Context, Record
from wallet.ids import NetworkId
from wallet.ports import BlockRef
from wallet.schema import network_views, scan_cursors, scanned_blocks

BLOCKS_KEPT = 5_000  # the newest blocks, whose ids are all kept
KEPT_EVERY = (
    256  # of older ones so many-th: a deeper reorg is walked back a little too far, and what is there is found again
)


async def read_cursor(context: Context, network: NetworkId) -> BlockRef | None:
    row = await context.one(select(scan_cursors).where(scan_cursors.c.network == network))
    return BlockRef(row["height"], row["block"]) if row else None


async def advance_cursor(context: Context, network: NetworkId, blocks: Sequence[BlockRef]) -> None:
    """These blocks, which follow each other, are in the books. Operational state: lost, they are scanned again to the same
    effect."""
    if not blocks:
        return
    rows = [_values(network, block) for block in blocks]
    scanned = insert(scanned_blocks).values(rows)
    keep = {"block": scanned.excluded.block}
    async with context.ops.begin() as connection:
        await _move(connection, network, blocks[-1])
        await connection.execute(scanned.on_conflict_do_update(index_elements=["network", "height"], set_=keep))
        await connection.execute(_forgotten(network, blocks))


def _values(network: NetworkId, block: BlockRef) -> dict[str, object]:
    return {"network": network, "height": block.height, "block": block.id}


async def _move(connection: AsyncConnection, network: NetworkId, to: BlockRef) -> None:
    values = _values(network, to)
    await connection.execute(
        insert(scan_cursors).values(values).on_conflict_do_update(index_elements=["network"], set_=values)
    )


def _forgotten(network: NetworkId, blocks: Sequence[BlockRef]) -> Delete:
    """Those that became old with these blocks: not all that are old, of which those that are kept grow for ever."""
    old = blocks[-1].height - BLOCKS_KEPT
    became_old = scanned_blocks.c.height.between(old - len(blocks) - KEPT_EVERY, old)
    return delete(scanned_blocks).where(
        scanned_blocks.c.network == network, became_old, scanned_blocks.c.height % KEPT_EVERY != 0
    )


async def anchor(context: Context, network: NetworkId, blocks: Iterable[BlockRef]) -> None:
    """Blocks below the first one to be scanned, at which a walk back may end: a reorg can come right after the opening."""
    async with context.ops.begin() as connection:
        for block in blocks:
            await connection.execute(insert(scanned_blocks).values(_values(network, block)).on_conflict_do_nothing())


async def scanned_below(context: Context, network: NetworkId, height: int, *, skip: int = 0) -> BlockRef | None:
    """The highest block scanned at or below `height`, or the one so many below it."""
    wanted = select(scanned_blocks).where(scanned_blocks.c.network == network, scanned_blocks.c.height <= height)
    row = await context.one(wanted.order_by(scanned_blocks.c.height.desc()).offset(skip).limit(1))
    return BlockRef(row["height"], row["block"]) if row else None


async def scanned_count(context: Context, network: NetworkId, height: int) -> int:
    """How many of the blocks at or below `height` are kept."""
    wanted = select(func.count().label("kept")).where(
        scanned_blocks.c.network == network, scanned_blocks.c.height <= height
    )
    kept: int = (await context.all(wanted))[0]["kept"]
    return kept


async def rewind_cursor(context: Context, network: NetworkId, to: BlockRef) -> None:
    """What was called final above this block is final no more: that is on record, and a person has been told."""
    higher = network_views.c.final_highest > to.height
    final = update(network_views).where(network_views.c.network == network, higher)
    async with context.ops.begin() as connection:
        await connection.execute(final.values(final_highest=to.height))
        await connection.execute(
            delete(scanned_blocks).where(scanned_blocks.c.network == network, scanned_blocks.c.height > to.height)
        )
        await _move(connection, network, to)


async def read_view(context: Context, network: NetworkId) -> Record | None:
    """What the network showed us at the last look."""
    return await context.one(select(network_views).where(network_views.c.network == network))


async def record_view(
    context: Context, network: NetworkId, tip: BlockRef | None, final: BlockRef | None, error: str | None
) -> None:
    """What the network showed us last, for status and confirmations. A failed look keeps the heights and says why."""
    values: dict[str, object] = {"network": network, "seen_at": context.clock.now(), "error": error}
    if tip is not None:
        values |= {"tip": tip.height, "final": final.height if final else None}
    known = await read_view(context, network)
    if tip is not None and final is not None and (known is None or (known["final_highest"] or 0) <= final.height):
        values |= {"final_highest": final.height, "final_highest_tip": tip.height}
    async with context.ops.begin() as connection:
        await connection.execute(
            insert(network_views).values(values).on_conflict_do_update(index_elements=["network"], set_=values)
        )
