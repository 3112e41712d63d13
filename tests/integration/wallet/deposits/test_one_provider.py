"""RPC-04: what one provider alone can make us credit has a bound for each deposit and for each day."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.fakes.world import ETH, ETHEREUM, World
from wallet import schema
from wallet.addresses.assign import assign_address
from wallet.context import ACTOR_NODE
from wallet.deposits.one_provider import accept_deposit
from wallet.errors import NotAllowed, NotFound
from wallet.money import Amount

WHOLE = 10**18


@pytest.fixture
async def address(world: World) -> str:
    """One provider is worth 5 ETH a deposit and 12 a day."""
    network = world.networks[ETHEREUM]
    network.listings = tuple(
        replace(one, one_provider_max_units=5 * WHOLE, one_provider_day_max_units=12 * WHOLE)
        if one.asset == ETH
        else one
        for one in network.listings
    )
    return str((await assign_address(world.context, ACTOR_NODE, await world.customer("ann"), ETHEREUM))["address"])


async def pay(world: World, address: str, wholes: int) -> None:
    network = world.networks[ETHEREUM]
    network.pay_in(address, Amount(wholes * WHOLE, ETH))
    network.mine(network.depth)
    await world.look(ETHEREUM)


async def deposits(world: World) -> list[tuple[int, str, str | None]]:
    rows = await world.context.all(select(schema.deposits).order_by(schema.deposits.c.id))
    return [(row["units"] // WHOLE, row["state"], row["reason"]) for row in rows]


async def last_id(world: World) -> str:
    rows = await world.context.all(select(schema.deposits.c.id).order_by(schema.deposits.c.id))
    return str(rows[-1]["id"])


async def test_rpc_04_a_large_deposit_waits_for_a_person_who_accepts_it_once(world: World, address: str) -> None:
    await pay(world, address, 5)
    await pay(world, address, 6)
    assert await deposits(world) == [(5, "credited", None), (6, "quarantined", "one_provider")]
    deposit = await last_id(world)
    await accept_deposit(world.context, "op", deposit, "seen at another node")
    await world.look(ETHEREUM)
    assert await deposits(world) == [(5, "credited", None), (6, "credited", None)]
    with pytest.raises(NotAllowed):
        await accept_deposit(world.context, "op", deposit, "once more")
    with pytest.raises(NotFound):
        await accept_deposit(world.context, "op", "dep_nowhere", "seen")


async def test_rpc_04_many_small_deposits_are_no_way_around_the_bound(world: World, address: str) -> None:
    for _ in range(4):
        await pay(world, address, 4)
    assert [state for _, state, _ in await deposits(world)] == ["credited"] * 3 + ["confirming"]
    await world.look(ETHEREUM)
    assert [state for _, state, _ in await deposits(world)] == ["credited"] * 3 + ["confirming"]
    network = world.networks[ETHEREUM]
    network.listings = tuple(replace(one, one_provider_day_max_units=16 * WHOLE) for one in network.listings)
    await world.look(ETHEREUM)
    assert [state for _, state, _ in await deposits(world)] == ["credited"] * 4


async def test_a_deposit_with_another_reason_is_not_accepted(world: World, address: str) -> None:
    network = world.networks[ETHEREUM]
    network.listings = tuple(replace(one, deposit_min_units=2 * WHOLE) for one in network.listings)
    await pay(world, address, 1)
    assert await deposits(world) == [(1, "quarantined", "dust")]
    with pytest.raises(NotAllowed, match="second opinion"):
        await accept_deposit(world.context, "op", await last_id(world), "seen")
