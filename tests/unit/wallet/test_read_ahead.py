"""Blocks are read ahead of those who write them: in order, few at a time, and no longer than anybody wants them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from wallet.deposits.read_ahead import AHEAD_MAX, read_ahead
from wallet.ports import Block, NetworkUnreachable

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Chain:
    """So many blocks, and then an error if there is one; `read` counts, `closed` tells that nobody reads on."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error = count, error
        self.read = 0
        self.closed = False

    async def blocks(self) -> AsyncIterator[Block]:
        try:
            for height in range(self.count):
                await asyncio.sleep(0)
                self.read += 1
                yield Block(height, f"block-{height}", f"block-{height - 1}", AT)
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


async def test_all_blocks_come_in_their_order() -> None:
    assert [block.height async for block in read_ahead(Chain(100).blocks())] == list(range(100))


async def test_no_more_are_read_than_there_is_room_for() -> None:
    chain = Chain(100)
    async with aclosing(read_ahead(chain.blocks())) as blocks:
        await anext(blocks)
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert chain.read == AHEAD_MAX + 2  # one given out, sixteen waiting, one in hand
    assert chain.closed


async def test_an_error_comes_after_the_blocks_before_it() -> None:
    blocks = read_ahead(Chain(3, NetworkUnreachable("gone")).blocks())
    assert [(await anext(blocks)).height for _ in range(3)] == [0, 1, 2]
    with pytest.raises(NetworkUnreachable):
        await anext(blocks)


async def test_who_stops_early_stops_the_reading() -> None:
    chain = Chain(10_000)
    async with aclosing(read_ahead(chain.blocks())) as blocks:
        async for _ in blocks:
            break
    assert chain.closed
    assert chain.read <= AHEAD_MAX + 2
