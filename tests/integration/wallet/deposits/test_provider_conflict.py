"""RPC-03 through the node's own worker: a conflict of providers stops credit, is told to operators, and heals."""

from typing import Any

import pytest
from sqlalchemy import select

from chains.quorum import dispute
from chains.quorum.quorum import Quorum
from node.notices import latest_notices
from node.workers.follow_network import follow_network
from tests.fakes.provider import FakeProvider
from tests.fakes.world import ETH, ETHEREUM, World
from wallet import schema
from wallet.addresses.assign import assign_address
from wallet.context import ACTOR_NODE
from wallet.money import Amount
from wallet.ports import BlockRef
from wallet.ports.providers import NetworkConflict


def other(ref: BlockRef) -> BlockRef:
    return BlockRef(ref.height, "another-block")


async def test_rpc_03_a_conflict_stops_credit_is_told_and_heals(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispute, "RECHECK_MS", 0)
    chain = world.networks[ETHEREUM]
    honest, liar = FakeProvider(chain), FakeProvider(chain)
    members: Any = {"honest.example": honest, "liar.example": liar}
    network = Quorum(members, 2)
    address = str((await assign_address(world.context, ACTOR_NODE, await world.customer("ann"), ETHEREUM))["address"])
    chain.mine(3)
    await follow_network(world.context, network)
    assert await latest_notices(world.context) == []

    chain.pay_in(address, Amount(10**18, ETH))
    chain.mine(3)
    liar.lies = {"final": other, "block_ref": other}
    for _ in range(2):
        with pytest.raises(NetworkConflict):
            await follow_network(world.context, network)
    assert liar.told["final"] == 1
    assert await world.context.all(select(schema.deposits)) == []
    (notice,) = await latest_notices(world.context)
    assert (notice["source"], notice["state"]) == (ETHEREUM, "conflict")
    assert "honest.example" in notice["reason"]
    assert "liar.example" in notice["reason"]

    liar.lies = {}
    await follow_network(world.context, network)
    assert [row["state"] for row in await world.context.all(select(schema.deposits))] == ["credited"]
    assert [row["state"] for row in await latest_notices(world.context)] == ["agreeing"]
