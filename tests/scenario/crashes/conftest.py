"""One node folder for all pairs in a row: each begins where the one before has ended, exact to the last unit."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from node.devnet.networks import Devnet
from tests.nodes.client import Client
from tests.nodes.process import NodeProcess, open_customer, open_platform
from tests.scenario.crashes.flows import FLOWS, Scene
from tests.scenario.house import with_bank

MONEY = {"EUR": "1000.00", "BTC": "0.5", "ETH": "5", "DUSD": "1000"}


@pytest.fixture(scope="module")
async def scene(chains: Devnet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("crashes")
    devnet = with_bank(chains, folder)
    node = NodeProcess.beside(devnet, folder / "node")
    async with aiohttp.ClientSession() as http:
        try:
            await node.start(http)
            yield await _set_up(devnet, node, http)
        finally:
            await node.stop()


async def _set_up(devnet: Devnet, node: NodeProcess, http: aiohttp.ClientSession) -> Scene:
    async with node.look() as books:
        operator = Client(http, node.url, await books.operator())
        alice, addresses = await open_customer(operator, "alice")
        bob, _ = await open_customer(operator, "bob")
        alice, ann = await open_platform(operator, alice)
        scene = Scene(devnet, node, http, alice, bob, ann, addresses)
        await scene.stock(books, MONEY)
        await alice.make("/v1/payments", {"to": "ref:ann", "asset": "EUR", "amount": "100.00"}, "for-ann")
        await books.scanned_to_the_tip()
        await books.prove()
    assert {flow.asset for flow in FLOWS.values()} == set(MONEY)
    return scene
