"""Readers of blocks, as `wallet.ports.Network.blocks` gives them."""

from collections.abc import AsyncIterator

from wallet.ids import NetworkId
from wallet.ports import Block, Network, NetworkUnreachable


async def next_block(network: NetworkId, reader: AsyncIterator[Block]) -> Block:
    """Raises `NetworkUnreachable` where the reader ends before it."""
    try:
        return await anext(reader)
    except StopAsyncIteration:
        raise NetworkUnreachable(f"{network}: a provider ended before the block that was asked for") from None


async def only_block(network: Network, height: int) -> Block:
    reader = network.blocks(height, height)
    try:
        return await next_block(network.id, reader)
    finally:
        await let_go(reader)


async def let_go(reader: AsyncIterator[Block]) -> None:
    """Readers are generators: what they hold open is let go at once."""
    close = getattr(reader, "aclose", None)
    if close is not None:
        await close()
