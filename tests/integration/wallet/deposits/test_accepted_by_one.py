"""What one person accepts is only how much it is: whose it is, and on which network, is as open as before."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.fakes.network import FakeNetwork
from tests.fakes.world import ETH, ETHEREUM, World
from tests.scenario.operators import two_operators
from wallet import schema
from wallet.addresses.assign import assign_address
from wallet.addresses.watch import give_address, watch_ahead
from wallet.context import ACTOR_NODE, Record
from wallet.deposits.adopt import draft_adoption
from wallet.deposits.attribute import attribute_deposit
from wallet.deposits.one_provider import accept_deposit
from wallet.errors import NotAllowed
from wallet.ids import NetworkId
from wallet.money import Amount
from wallet.networks.open import open_network

WHOLE = 10**18
BASE = NetworkId("base")


def bound(network: FakeNetwork) -> None:
    """One provider is worth 5 ETH a deposit."""
    network.listings = tuple(replace(one, one_provider_max_units=5 * WHOLE) for one in network.listings)


async def other_network(world: World) -> FakeNetwork:
    """Of the same keys."""
    base = FakeNetwork(BASE, (ETH,), world.networks[ETHEREUM].book, tree=str(ETHEREUM))
    world.networks[BASE] = world.context.networks[BASE] = base  # type: ignore[index]
    await open_network(world.context, base, "fake", "")
    return base


async def paid(world: World, network: FakeNetwork, address: str) -> str:
    network.pay_in(address, Amount(6 * WHOLE, ETH))
    network.mine(network.depth)
    await world.look(network.id)
    return str((await deposit(world))["id"])


async def deposit(world: World) -> Record:
    return (await deposits(world))[-1]


async def deposits(world: World) -> list[Record]:
    return await world.context.all(select(schema.deposits).order_by(schema.deposits.c.id))


async def test_dpe_13_what_nobody_owns_has_no_owner_when_it_is_accepted(world: World) -> None:
    network = world.networks[ETHEREUM]
    bound(network)
    async for _ in watch_ahead(world.context, "op", ETHEREUM, 1, "books were lost"):
        pass
    watched = await world.context.one(select(schema.addresses).where(schema.addresses.c.owner == "nobody"))
    assert watched is not None
    name = await paid(world, network, watched["address"])
    row = await deposit(world)
    assert (row["state"], row["reason"], row["owner"]) == ("quarantined", "one_provider", None)
    await accept_deposit(world.context, "op", name, "seen at another node")
    row = await deposit(world)
    assert (row["state"], row["reason"]) == ("quarantined", "unattributed")
    await world.fund(await world.customer("ann"), "ETH", "1")
    ben = await world.customer("ben")
    await attribute_deposit(world.context, "op", name, ben, "they asked for it")
    await world.look(ETHEREUM)
    (row,) = [one for one in await deposits(world) if one["id"] == name]
    assert (row["state"], row["owner"]) == ("credited", ben)


async def test_dpe_03_what_came_over_another_network_to_nobodys_address_is_kept_for_whom_it_is_given_to(
    world: World,
) -> None:
    base = await other_network(world)
    async for _ in watch_ahead(world.context, "op", ETHEREUM, 1, "books were lost"):
        pass
    watched = await world.context.one(select(schema.addresses).where(schema.addresses.c.owner == "nobody"))
    assert watched is not None
    name = await paid(world, base, watched["address"])
    assert (await deposit(world))["reason"] == "unattributed"
    with pytest.raises(NotAllowed):
        await draft_adoption(world.context, name, "nobody's still")
    ben = await world.customer("ben")
    await give_address(world.context, "op", ETHEREUM, watched["address"], ben, "they showed it")
    with pytest.raises(NotAllowed, match="handed out on this network"):
        await attribute_deposit(world.context, "op", name, ben, "they asked for it")
    pair = await two_operators(world)
    assert await pair.decide(await draft_adoption(world.context, name, "theirs")) == "done: credited when it is final"
    await world.look(BASE)
    row = await deposit(world)
    assert (row["state"], row["owner"]) == ("credited", ben)


async def test_dpe_03_one_operator_alone_keeps_nothing_that_came_over_another_network(world: World) -> None:
    base = await other_network(world)
    bound(base)
    ann = await world.customer("ann")
    address = str((await assign_address(world.context, ACTOR_NODE, ann, ETHEREUM))["address"])
    name = await paid(world, base, address)
    row = await deposit(world)
    assert (row["state"], row["reason"], row["owner"]) == ("quarantined", "one_provider", ann)
    await accept_deposit(world.context, "op", name, "seen at another node")
    await world.look(BASE)
    row = await deposit(world)
    assert (row["state"], row["reason"], row["owner"]) == ("quarantined", "wrong_network", ann)
