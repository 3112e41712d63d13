"""More is asked for than lies at the hot address: it is paid in order as it comes, whole, and nobody waits for ever."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.fakes.network import FakeNetwork
from tests.fakes.world import ETH, ETHEREUM, World
from tests.integration.wallet.withdrawals.test_poison import ask, pay
from wallet import schema
from wallet.ids import CustomerId
from wallet.money import parse_amount
from wallet.ports import Branch

TIMES = 10


async def rich(world: World, handle: str) -> CustomerId:
    """Has far more than the hot address: it lies on deposit addresses, and nothing is swept here."""
    chain = world.networks[ETHEREUM]
    chain.capabilities = replace(chain.capabilities, sweeps=True)
    owner = await world.customer(handle)
    await world.fund(owner, "ETH", "20")
    return owner


async def refill(world: World, chain: FakeNetwork, text: str) -> None:
    chain.pay_in(chain.derive(Branch.HOUSE, 0).address, parse_amount(text, ETH))
    for _ in range(chain.depth + 3):
        chain.mine()
        await world.look(ETHEREUM)
        await pay(world, chain)


async def states(world: World) -> list[str]:
    table = schema.withdrawals
    return [row["state"] for row in await world.context.all(select(table.c.state).order_by(table.c.id))]


async def test_wdr_14_requests_worth_ten_times_the_hot_balance_are_paid_in_order_and_whole(world: World) -> None:
    chain, owner = world.networks[ETHEREUM], await rich(world, "alice")
    for number in range(TIMES):
        await ask(world, owner, parse_amount("1", ETH), f"goal-{number}")
    for number in range(TIMES):
        await refill(world, chain, "1.001")
        assert await states(world) == ["final"] * (number + 1) + ["requested"] * (TIMES - number - 1)
        paid = [chain.received(f"goal-{place}").get("ETH", 0) for place in range(TIMES)]
        assert paid == [10**18] * (number + 1) + [0] * (TIMES - number - 1)


async def test_wdr_14_a_large_one_is_paid_though_small_ones_keep_coming(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrives is kept for it once it has waited long enough; until then the small ones pass."""
    chain, whale, fish = world.networks[ETHEREUM], await rich(world, "whale"), await rich(world, "fish")
    await ask(world, whale, parse_amount("3", ETH), "whales")
    await ask(world, fish, parse_amount("1", ETH), "before")
    await refill(world, chain, "1.001")
    assert await states(world) == ["requested", "final"]
    monkeypatch.setattr("wallet.withdrawals.pay.PATIENCE", timedelta(0))
    for number in range(3):
        await ask(world, fish, parse_amount("1", ETH), f"after-{number}")
        assert (await states(world))[0] == "requested"
        await refill(world, chain, "1.001")
    assert await states(world) == ["final", "final", "requested", "requested", "requested"]
    assert chain.received("whales") == {"ETH": 3 * 10**18}
