"""What a network has once called final binds it: to call less final for a moment first is no way around the halt."""

import pytest

from tests.fakes.world import ETHEREUM, World
from wallet.deposits.cursor import read_view
from wallet.networks.halt import network_row, resume_network


async def is_halted(world: World) -> bool:
    return (await network_row(world.context, ETHEREUM))["halt_reason"] is not None


@pytest.mark.parametrize("depth", [9, 1_000])
async def test_dpe_07_a_network_that_forgets_what_was_final_and_then_takes_it_back_is_halted(
    world: World, depth: int
) -> None:
    network = world.networks[ETHEREUM]
    network.mine(20)
    await world.look(ETHEREUM)
    called_final, network.depth = network.depth, depth  # lower than before, or none at all
    await world.look(ETHEREUM)
    network.reorg(6)
    await world.look(ETHEREUM)
    assert await is_halted(world)
    network.depth = called_final
    assert await resume_network(world.context, "test", ETHEREUM, "another provider")
    await world.look(ETHEREUM)
    network.reorg(1)
    await world.look(ETHEREUM)
    assert not await is_halted(world), "one block that was never called final is no broken word"
    view = await read_view(world.context, ETHEREUM)
    assert view is not None
    assert view["final_highest"] == (await network.tip()).height - called_final + 1
