"""Read blocks again that the scan has passed, for addresses that it did not know then. The cursor stays where it is.

Repeatable, and harmless beside a running node: what is in the books already changes nothing.
"""

from collections.abc import AsyncIterator

from wallet.context import Context
from wallet.deposits.cursor import read_cursor
from wallet.deposits.detect import record_block
from wallet.errors import NotAllowed
from wallet.ports import BlockRef, BlockVanished, Network

RANGE_BLOCKS = 200  # asked for at once; progress is told after each


async def rescan(context: Context, network: Network, first: int) -> AsyncIterator[BlockRef]:
    """From this height up to the scan's own cursor; tells of the last block of each range. Raises `NotAllowed` where nothing
    was scanned yet, `BlockVanished` if the branch changes meanwhile (begin again), and the network's errors."""
    cursor = await read_cursor(context, network.id)
    if cursor is None:
        raise NotAllowed(f"{network.id} has not been scanned yet: the node scans it first")
    before: BlockRef | None = None
    for start in range(first, cursor.height + 1, RANGE_BLOCKS):
        async for block in network.blocks(start, min(start + RANGE_BLOCKS - 1, cursor.height)):
            if before is not None and (block.parent != before.id or block.height != before.height + 1):
                raise BlockVanished(f"block {block.height} is not the child of the block before it")
            await record_block(context, network, block)
            before = block.ref
        if before is not None:
            yield before
