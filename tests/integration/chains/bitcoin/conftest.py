"""A bitcoind of these tests' own: they reorganise its chain, which nobody else should have to live with."""

from collections.abc import AsyncIterator

import pytest

from chains.bitcoin.network import UtxoNetwork
from node.devnet.bitcoind import Bitcoind, find_bitcoind
from tests.conftest import say
from tests.integration.chains.bitcoin.wallet import Book, network_on


@pytest.fixture(scope="package")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bitcoind]:
    node = Bitcoind(tmp_path_factory.mktemp("bitcoind-reorganised"), find_bitcoind(say))
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def network(chain: Bitcoind, book: Book) -> AsyncIterator[UtxoNetwork]:
    made = network_on(chain, book)
    yield made
    await made.close()
