"""Scan a network: every block in order, each deposit committed before the cursor moves over its block."""

import structlog

from wallet.context import Context
from wallet.deposits.cursor import advance_cursor, read_cursor, record_view, rewind_cursor, scanned_below
from wallet.deposits.detect import record_block
from wallet.deposits.orphan import orphan_above
from wallet.networks.open import start_height
from wallet.points import point
from wallet.ports import BlockRef, Network, NetworkMismatch
from wallet.strays.orphan import orphan_strays_above

BLOCKS_MAX = 200  # blocks a step, so that other work of the network gets its turn during a catch-up
WALK_STEP = 64  # scanned blocks compared at a time while looking for the common ancestor

_log = structlog.get_logger("scan")


async def scan(context: Context, network: Network) -> tuple[BlockRef, BlockRef | None]:
    """One step towards the tip. Returns tip and final as the network shows them now.

    Raises the network's errors (the cursor is where it was), and `NetworkMismatch` for a chain that shares no block
    with what was scanned.
    """
    tip = await network.tip()
    final = await network.final()
    cursor = await read_cursor(context, network.id)
    if cursor is not None and not await _is_still_there(context, network, cursor, tip):
        cursor = await _rewind(context, network, min(cursor.height, tip.height))
    first = await start_height(context, network.id) if cursor is None else cursor.height + 1
    async for block in network.blocks(first, min(tip.height, first + BLOCKS_MAX - 1)):
        if cursor is not None and block.parent != cursor.id:
            break  # the branch changed under us: the next step finds the common ancestor
        await record_block(context, network, block)
        if block.strays_beyond:
            _log.warning("strays_left_out", network=network.id, height=block.height, count=block.strays_beyond)
        point("scan.before_cursor")
        await advance_cursor(context, network.id, block.ref)
        cursor = block.ref
    await record_view(context, network.id, tip, final, None)
    return tip, final


async def refuse_other_chain(context: Context, network: Network) -> None:
    """At the start: raises `NetworkMismatch` for a chain that shares no block with what was scanned. Not every other chain
    has another genesis."""
    cursor, tip = await read_cursor(context, network.id), await network.tip()
    if cursor is not None and not await _is_still_there(context, network, cursor, tip):
        await _common_ancestor(context, network, min(cursor.height, tip.height))


async def _is_still_there(context: Context, network: Network, cursor: BlockRef, tip: BlockRef) -> bool:
    """Is what we scanned last still part of the chain? A provider that lags behind on the same branch is no reorg."""
    if tip.height < cursor.height:
        lagging = await scanned_below(context, network.id, tip.height, 1)
        return bool(lagging) and lagging[0] == tip
    return await network.block_ref(cursor.height) == cursor


async def _rewind(context: Context, network: Network, height: int) -> BlockRef:
    ancestor = await _common_ancestor(context, network, height)
    _log.warning("reorg", network=network.id, ancestor=ancestor.height)
    await orphan_above(context, network, ancestor)
    await orphan_strays_above(context, network, ancestor)
    await rewind_cursor(context, network.id, ancestor)
    return ancestor


async def _common_ancestor(context: Context, network: Network, height: int) -> BlockRef:
    while True:
        step = await scanned_below(context, network.id, height, WALK_STEP)
        for scanned in step:
            if await network.block_ref(scanned.height) == scanned:
                return scanned
        if not step:
            break
        height = step[-1].height - 1
    raise NetworkMismatch(
        f"{network.id} shares no block with what these books have seen: it is another chain. Use a new database, or the"
        " old network"
    )
