"""DPE-15: the node was away while the chain went on. The provider answers so many blocks at once and no more, breaks off, falls
silent; the node is restarted on the way. Every block is passed in order and every deposit is found."""

import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from node.database import Dsns
from tests.fakes.network import Tx
from tests.fakes.world import DUSD, ETH, ETHEREUM, World, opened_world, running_world
from tests.simulation.lying import LyingProvider
from tests.simulation.model_chain import ModelChain
from wallet import schema
from wallet.addresses.assign import assign_address
from wallet.context import Context
from wallet.deposits.cursor import BLOCKS_KEPT, KEPT_EVERY, read_cursor
from wallet.deposits.scan import scan
from wallet.money import Amount
from wallet.ports import Block, NetworkError, NetworkRejected

AT_ONCE = 1_000  # blocks that the provider answers for


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        yield running


@dataclass(slots=True)
class Limited(LyingProvider):
    """It refuses a range that is too large, and is as weak as any."""

    refused: int = 0

    async def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        if stop - start >= AT_ONCE:
            self.refused += 1
            raise NetworkRejected("too many blocks")
        async for block in LyingProvider.blocks(self, start, stop):
            yield block


def provider(world: World, chance: random.Random) -> Limited:
    fake = world.networks[ETHEREUM]
    chain = ModelChain("ethereum", chance)
    return Limited(ETHEREUM, (ETH, DUSD), fake.book, depth=6, chain=chain, chance=chance, lies=0)


async def until_the_tip(context: Context, network: Limited, steps_max: int) -> int:
    """How many steps it took. The cursor never goes back and never over what is not there."""
    height, steps = -1, 0
    while height < network.chain.height:
        steps += 1
        assert steps < steps_max
        with suppress(NetworkError):
            await scan(context, network)
        cursor = await read_cursor(context, ETHEREUM)
        if cursor is not None:
            assert cursor == network.chain.blocks[cursor.height].ref
            assert cursor.height >= height
            height = cursor.height
    return steps


@pytest.mark.parametrize("blocks", [1_500, pytest.param(100_000, marks=pytest.mark.whole)])
async def test_dpe_15_a_gap_is_walked_whole_in_order_and_on_after_a_restart(
    world: World, dsns: Dsns, tmp_path: Path, blocks: int
) -> None:
    chance = random.Random(15)
    owner = await world.customer("alice")
    given = await assign_address(world.context, "test", owner, ETHEREUM)
    network = provider(world, chance)
    paid = sorted(chance.sample(range(1, blocks), 40))
    for height in range(1, blocks + 1):
        units = [Amount(height, DUSD)] if height in paid else []
        network.chain.mine([Tx(f"tx-{height}", ((str(given["address"]), amount),)) for amount in units])
    before, whole = network.chain.blocks[: divmod(blocks, 5)[0]], network.chain.blocks
    assert len(whole) - len(before) > AT_ONCE, "or nothing could be asked for that is refused"
    network.chain.blocks = before
    await until_the_tip(world.context, network, blocks)
    network.chain.blocks = whole
    async with opened_world(dsns, tmp_path, world.signer, world.networks) as again:
        network.book = again.networks[ETHEREUM].book
        await until_the_tip(again.context, network, blocks)
        table = schema.deposits
        rows = await again.context.all(select(table.c.height, table.c.units).order_by(table.c.id))
        assert [(row["height"], row["units"]) for row in rows] == [(height, height) for height in paid]
        assert network.told["truncated"] > 0
        assert network.told["silent"] > 0
        assert network.refused == 0, "asked for no more than anybody answers"
        kept = select(schema.scanned_blocks.c.height).where(schema.scanned_blocks.c.network == ETHEREUM)
        heights = [row["height"] for row in await again.context.all(kept)]
        assert len(heights) <= BLOCKS_KEPT + blocks // KEPT_EVERY + 3
