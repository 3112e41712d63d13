"""A reorg below what was final takes back payments of ours: they are made again with the same bytes, once, or provably not, and
then their owner has the money back. The books are exact at every step."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.database import Dsns
from node.workers.pay_withdrawals import pay_and_follow
from tests.fakes.network import Tx
from tests.fakes.world import BITCOIN, BTC, DUSD, ETHEREUM, World, running_world
from tests.scenario.owing import available, exact, owed, parse_text
from wallet import schema
from wallet.breaks.open import reconcile_network
from wallet.errors import AssetPaused
from wallet.ids import CustomerId, NetworkId
from wallet.journal.change import Request
from wallet.money import Asset, parse_amount
from wallet.networks.halt import is_halted, resume_network
from wallet.ports import Destination
from wallet.withdrawals.request import request_withdrawal

CHAINS = pytest.mark.parametrize(("network", "asset"), [(ETHEREUM, DUSD), (BITCOIN, BTC)], ids=["accounts", "coins"])
OUTSIDE = "somebody-outside"


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        yield running


async def step(world: World, network: NetworkId, blocks: int = 1) -> None:
    for _ in range(blocks):
        world.networks[network].mine()
        await world.look(network)
        await pay_and_follow(world.context, world.networks[network])
        assert await exact(world)


async def opened(world: World, network: NetworkId, asset: Asset) -> CustomerId:
    """Alice has had 5 for long, and the house has what payments cost."""
    chain = world.networks[network]
    (house,) = [
        row
        for row in await world.context.all(schema.addresses.select())
        if (row["owner"], row["network"]) == ("house", network)
    ]
    for each in chain.assets:
        chain.pay_in(house["address"], parse_amount("1", each))
    owner = await world.customer("alice")
    await world.fund(owner, asset.symbol, "5")
    await step(world, network, 6)
    return owner


async def asked_for(world: World, owner: CustomerId, network: NetworkId, asset: Asset) -> None:
    request = Request(owner, "withdrawal.request", "out", b"test")
    units, to = parse_amount("2", asset), Destination(OUTSIDE)
    await request_withdrawal(world.context, "test", owner, network, units, to, request)


async def paid(world: World, network: NetworkId, asset: Asset) -> CustomerId:
    """Of alice's 5, 2 have been paid out."""
    owner = await opened(world, network, asset)
    await asked_for(world, owner, network, asset)
    await step(world, network, 4)
    assert await states(world) == ("final", "final")
    return owner


async def states(world: World) -> tuple[str, str]:
    (withdrawal,) = await world.context.all(schema.withdrawals.select())
    (submission,) = await world.context.all(schema.submissions.select())
    return withdrawal["state"], submission["state"]


async def taken_back(world: World, network: NetworkId, *, forget: bool) -> None:
    """The payment's block, and not the deposit's."""
    world.networks[network].reorg(4, forget=forget)
    await world.look(network)
    assert await states(world) == ("final", "uprooted")
    assert await exact(world)


@CHAINS
@pytest.mark.parametrize("forget", [False, True], ids=["waits", "forgotten"])
async def test_dpe_07_a_payment_that_was_final_is_made_again_with_the_same_bytes_once(
    world: World, network: NetworkId, asset: Asset, forget: bool
) -> None:
    owner = await paid(world, network, asset)
    before = await available(world, owner, asset)
    await taken_back(world, network, forget=forget)
    if forget:
        await step(world, network, 2)
        assert world.networks[network].received(OUTSIDE) == {}, "halted: nothing is sent"
    await resume_network(world.context, "test", network, "looked")
    await step(world, network, 5)
    assert await states(world) == ("final", "final")
    assert world.networks[network].received(OUTSIDE) == {asset.symbol: parse_amount("2", asset).units}
    assert await available(world, owner, asset) == before
    coins = {row["state"] for row in await world.context.all(schema.utxos.select())}
    assert "gone" not in coins


@CHAINS
async def test_dpe_07_a_payment_that_can_never_be_made_comes_back_to_its_owner(
    world: World, network: NetworkId, asset: Asset
) -> None:
    owner = await paid(world, network, asset)
    (submission,) = await world.context.all(schema.submissions.select())
    await taken_back(world, network, forget=True)
    chain = world.networks[network]
    chain.pool["other"] = Tx("other", (), tuple(submission["consumes"]))
    await step(world, network, 3)
    await resume_network(world.context, "test", network, "looked")
    await step(world, network)
    assert await states(world) == ("failed", "dead")
    assert await available(world, owner, asset) == parse_text("5", asset)
    assert await owed(world, owner, asset) == 0
    assert chain.received(OUTSIDE) == {}


async def test_dpe_07_a_payment_that_was_reverted_and_is_made_on_a_new_branch_stops_its_asset(world: World) -> None:
    """Its owner has the money back. Nobody follows it any more, and yet nobody is paid twice unseen."""
    chain, owner = world.networks[ETHEREUM], await opened(world, ETHEREUM, DUSD)
    await asked_for(world, owner, ETHEREUM, DUSD)
    await pay_and_follow(world.context, chain)
    (tx,) = chain.pool.values()
    chain.pool[tx.id] = replace(tx, reverted=True)
    await step(world, ETHEREUM, 4)
    assert await states(world) == ("failed", "dead")
    assert await available(world, owner, DUSD) == parse_text("5", DUSD)
    assert await reconcile_network(world.context, chain, 0) == []

    chain.pool[tx.id] = tx
    chain.reorg_including(4)
    await world.look(ETHEREUM)

    (found,) = await reconcile_network(world.context, chain, 0)
    assert (found["asset"], found["units"]) == ("DUSD", parse_amount("2", DUSD).units)
    with pytest.raises(AssetPaused):
        await world.context.unpaused(DUSD)
    assert await is_halted(world.context, ETHEREUM)
