from collections.abc import AsyncIterator
from typing import Any

import pytest

from node.devnet.anvil import Anvil, find_anvil
from node.devnet.contracts import dev_dollar
from tests.integration.chains.evm.chain import Meet, Ours, deploy, listed, ours
from tests.integration.chains.evm.lying import LyingNode
from wallet.ports import Listing


@pytest.fixture(scope="package")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Anvil]:
    """A chain for these tests alone: they reorganise it."""
    anvil = Anvil(tmp_path_factory.mktemp("evm"), find_anvil(), state=False)
    await anvil.start()
    yield anvil
    await anvil.stop()


@pytest.fixture(scope="package")
async def dollar(chain: Anvil) -> str:
    return await deploy(chain, dev_dollar())


@pytest.fixture
async def meet(chain: Anvil) -> AsyncIterator[Meet]:
    made: list[Ours] = []

    def adapter(*tokens: Listing, url: str = chain.url, **settings: Any) -> Ours:
        made.append(ours(url, *tokens, **settings))
        return made[-1]

    yield adapter
    for one in made:
        await one.network.close()


@pytest.fixture
def us(meet: Meet, dollar: str) -> Ours:
    """The adapter with ETH and the dev dollar, and no address handed out yet."""
    return meet(listed(dollar))


@pytest.fixture
async def lying(chain: Anvil) -> AsyncIterator[LyingNode]:
    """A provider in front of the chain that tells the truth until a test says otherwise."""
    node = LyingNode(chain.url)
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
def deceived(meet: Meet, lying: LyingNode, dollar: str) -> Ours:
    """The adapter behind the lying provider."""
    return meet(listed(dollar), url=lying.url)
