"""Reads the next blocks while those before them are being written: node and database work at the same time.

What this prevents: a catch-up in which each waits for the other. Blocks stay in their order and are few.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from wallet.ports import Block

AHEAD_MAX = 16  # four windows of EVM blocks, 64 MB of full Bitcoin blocks


async def read_ahead(blocks: AsyncIterator[Block], most: int = AHEAD_MAX) -> AsyncGenerator[Block, None]:
    """The same blocks; up to `most` are read before they are asked for. An error comes after the blocks before it. Close it,
    and nothing goes on reading."""
    room, read = asyncio.Semaphore(most), asyncio.Queue[Block | None]()
    reading = asyncio.create_task(_read(blocks, room, read), name="read_ahead")
    reading.add_done_callback(lambda _: read.put_nowait(None))
    try:
        while (block := await read.get()) is not None:
            room.release()
            yield block
        await reading
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def _read(blocks: Any, room: asyncio.Semaphore, read: "asyncio.Queue[Block | None]") -> None:
    async with aclosing(blocks):
        async for block in blocks:
            await room.acquire()
            read.put_nowait(block)
