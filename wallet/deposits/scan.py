"""Scan a network: every block in order, each deposit committed before the cursor moves over its block.

What this prevents: a block that is skipped (the cursor moves only over blocks that follow each other by their ids, and whose
deposits are in the books), a gap that is jumped after downtime, and a reorg of any depth that goes unnoticed.
"""

from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta

import structlog

from wallet.context import Context
from wallet.deposits.cursor import advance_cursor, read_cursor, record_view, rewind_cursor, scanned_below, scanned_count
from wallet.deposits.detect import record_block
from wallet.deposits.orphan import orphan_above, orphan_beside
from wallet.deposits.read_ahead import read_ahead
from wallet.deposits.take_back import take_back_lost
from wallet.networks.open import start_height
from wallet.networks.progress import ScanProgress
from wallet.networks.reorg import record_reorg
from wallet.points import point
from wallet.ports import BlockRef, Network, NetworkError, NetworkMismatch
from wallet.strays.orphan import orphan_strays_above, orphan_strays_beside
from wallet.treasury.uproot import uproot_above

BLOCKS_MAX = 200  # blocks asked for at once
CURSOR_STEP = 64  # blocks between two moves of the cursor: so many are read again after a crash, to the same effect
STEP = timedelta(seconds=5)  # of a catch-up, before the network's other work gets its turn; less than a lease

_log = structlog.get_logger("scan")


async def scan(context: Context, network: Network) -> tuple[BlockRef, BlockRef | None]:
    """One step towards the tip. Returns tip and final as the network shows them now.

    Raises the network's errors (the cursor is behind what is in the books, never ahead), and `NetworkMismatch` for a chain
    that shares no block with what was scanned.
    """
    tip = await network.tip()
    final = await network.final()
    began = context.clock.now()
    progress = ScanProgress(context, network.id, tip.height, began)
    cursor = await read_cursor(context, network.id)
    if cursor is not None and not await _is_still_there(context, network, cursor, tip):
        cursor = await _rewind(context, network, cursor, tip)
    first = await start_height(context, network.id) if cursor is None else cursor.height + 1
    while first <= tip.height:
        reached = await _scan_range(
            context, network, cursor, range(first, min(tip.height, first + BLOCKS_MAX - 1) + 1), progress
        )
        if reached == cursor or reached is None:
            break
        cursor, first = reached, reached.height + 1
        if context.clock.now() > began + STEP:
            break
    await record_view(context, network.id, tip, final, None)
    await progress.tell(at_end=True)
    if cursor == tip:
        await take_back_lost(context, network, tip)
    return tip, final


async def _scan_range(
    context: Context, network: Network, cursor: BlockRef | None, heights: range, progress: ScanProgress
) -> BlockRef | None:
    """The block that the cursor is at now. It stops short where the branch changes under us: the next step finds the common
    ancestor."""
    passed: list[BlockRef] = []
    try:
        async with aclosing(read_ahead(network.blocks(heights[0], heights[-1]))) as blocks:
            async for block in blocks:
                if cursor is not None and (block.parent != cursor.id or block.height != cursor.height + 1):
                    break
                await record_block(context, network, block)
                if block.strays_beyond:
                    _log.warning("strays_left_out", network=network.id, height=block.height, count=block.strays_beyond)
                point("scan.before_cursor")
                cursor = block.ref
                passed.append(cursor)
                progress.passed(block)
                if len(passed) == CURSOR_STEP:
                    await _advance(context, network, passed)
                    await progress.tell()
                    passed = []
    except NetworkError:
        await _advance(context, network, passed)
        raise
    await _advance(context, network, passed)
    return cursor


async def _advance(context: Context, network: Network, passed: Sequence[BlockRef]) -> None:
    await orphan_beside(context, network, passed)
    await orphan_strays_beside(context, network, passed)
    await advance_cursor(context, network.id, passed)


async def refuse_other_chain(context: Context, network: Network) -> None:
    """At the start: raises `NetworkMismatch` for a chain that shares no block with what was scanned. Not every other chain
    has another genesis."""
    cursor, tip = await read_cursor(context, network.id), await network.tip()
    if cursor is not None and not await _is_still_there(context, network, cursor, tip):
        await _common_ancestor(context, network, min(cursor.height, tip.height))


async def _is_still_there(context: Context, network: Network, cursor: BlockRef, tip: BlockRef) -> bool:
    """Is what we scanned last still part of the chain? A provider that lags behind on the same branch is no reorg."""
    if tip.height < cursor.height:
        lagging = await scanned_below(context, network.id, tip.height)
        if lagging is None or lagging.height == tip.height:
            return lagging == tip
        return await network.block_ref(lagging.height) == lagging
    return await network.block_ref(cursor.height) == cursor


async def _rewind(context: Context, network: Network, cursor: BlockRef, tip: BlockRef) -> BlockRef:
    """The cursor moves last: whatever is interrupted is done again."""
    ancestor = await _common_ancestor(context, network, min(cursor.height, tip.height))
    await record_reorg(context, network, cursor, ancestor)
    await orphan_above(context, network, ancestor)
    await uproot_above(context, network, ancestor)
    await orphan_strays_above(context, network, ancestor)
    await rewind_cursor(context, network.id, ancestor)
    return ancestor


async def _common_ancestor(context: Context, network: Network, height: int) -> BlockRef:
    """The highest scanned block that is still there, by halving: of two that follow each other the lower stays longer."""
    low, high = 0, await scanned_count(context, network.id, height)
    found: BlockRef | None = None
    while low < high:
        middle = (low + high) >> 1
        scanned = await scanned_below(context, network.id, height, skip=middle)
        if scanned is not None and await network.block_ref(scanned.height) == scanned:
            found, high = scanned, middle
        else:
            low = middle + 1
    if found is None:
        raise NetworkMismatch(
            f"{network.id} shares no block with what these books have seen: it is another chain. Use a new database, or"
            " the old network"
        )
    return found
