"""Where the scan of each network stands. Operational state: if it is lost, blocks are scanned again and change nothing."""

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ports import BlockRef
from wallet.schema import network_views, scan_cursors, scanned_blocks

BLOCKS_KEPT = 5_000  # how deep a reorg can be walked back; beyond it the chain counts as another one


async def read_cursor(context: Context, network: NetworkId) -> BlockRef | None:
    row = await context.one(select(scan_cursors).where(scan_cursors.c.network == network))
    return BlockRef(row["height"], row["block"]) if row else None


async def advance_cursor(context: Context, network: NetworkId, block: BlockRef) -> None:
    """The blocks up to this one are in the books. Operational state: lost, they are scanned again to the same effect."""
    async with context.ops.begin() as connection:
        values = {"network": network, "height": block.height, "block": block.id}
        await connection.execute(
            insert(scan_cursors).values(values).on_conflict_do_update(index_elements=["network"], set_=values)
        )
        await connection.execute(
            insert(scanned_blocks)
            .values(values)
            .on_conflict_do_update(index_elements=["network", "height"], set_={"block": block.id})
        )
        old = block.height - BLOCKS_KEPT
        await connection.execute(
            delete(scanned_blocks).where(scanned_blocks.c.network == network, scanned_blocks.c.height < old)
        )


async def anchor(context: Context, network: NetworkId, blocks: Iterable[BlockRef]) -> None:
    """Blocks below the first one to be scanned, at which a walk back may end: a reorg can come right after the opening."""
    async with context.ops.begin() as connection:
        for block in blocks:
            values = {"network": network, "height": block.height, "block": block.id}
            await connection.execute(insert(scanned_blocks).values(values).on_conflict_do_nothing())


async def scanned_below(context: Context, network: NetworkId, height: int, limit: int) -> list[BlockRef]:
    """The blocks scanned at or below `height`, highest first."""
    wanted = (
        select(scanned_blocks)
        .where(scanned_blocks.c.network == network, scanned_blocks.c.height <= height)
        .order_by(scanned_blocks.c.height.desc())
        .limit(limit)
    )
    return [BlockRef(row["height"], row["block"]) for row in await context.all(wanted)]


async def rewind_cursor(context: Context, network: NetworkId, to: BlockRef) -> None:
    async with context.ops.begin() as connection:
        await connection.execute(
            delete(scanned_blocks).where(scanned_blocks.c.network == network, scanned_blocks.c.height > to.height)
        )
        values = {"network": network, "height": to.height, "block": to.id}
        await connection.execute(
            insert(scan_cursors).values(values).on_conflict_do_update(index_elements=["network"], set_=values)
        )


async def record_view(
    context: Context, network: NetworkId, tip: BlockRef | None, final: BlockRef | None, error: str | None
) -> None:
    """What the network showed us last, for status and confirmations. A failed look keeps the heights and says why."""
    values: dict[str, object] = {"network": network, "seen_at": context.clock.now(), "error": error}
    if tip is not None:
        values |= {"tip": tip.height, "final": final.height if final else None}
    async with context.ops.begin() as connection:
        await connection.execute(
            insert(network_views).values(values).on_conflict_do_update(index_elements=["network"], set_=values)
        )
