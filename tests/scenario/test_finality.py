"""Only what the chain itself calls final is credited: not when that stands still, not when it goes backwards (DPE-08)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node.database import Dsns
from node.devnet.networks import Devnet
from node.notices import read_notice
from node.workers.follow_network import FINALITY, GOES_ON, WENT_BACK, follow_network
from tests.integration.chains.evm.lying import LyingNode, Refusal
from tests.scenario.house import ETHEREUM, House, open_house
from tests.scenario.paid_in import figures, pay_in
from wallet.deposits.finality import FinalityWentBack
from wallet.ids import CustomerId

ETHER = 10**18


@pytest.fixture
async def provider(devnet: Devnet) -> AsyncIterator[LyingNode]:
    node = LyingNode(devnet.anvil.url)
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
async def doubtful(devnet: Devnet, dsns: Dsns, tmp_path: Path, provider: LyingNode) -> AsyncIterator[House]:
    """A node behind a provider that tells the truth until it is told otherwise."""
    environment = {"COFFER__NETWORKS__ETHEREUM__URL": provider.url}
    async with open_house(devnet, dsns, tmp_path / "node", environment=environment) as opened:
        yield opened


async def look(house: House, blocks: int = 1) -> None:
    for _ in range(blocks):
        await house.devnet.anvil.mine()
        await follow_network(house.context, house.context.networks[ETHEREUM])


async def call_final(house: House, provider: LyingNode, height: int) -> None:
    """The provider calls this block final, whatever the chain does."""
    block = await house.devnet.anvil.rpc("eth_getBlockByNumber", hex(height), False)
    provider.lies["eth_getBlockByNumber"] = lambda params, truth: block if params[0] == "finalized" else truth


async def state(house: House) -> str:
    (deposit,) = await house.deposits()
    return str(deposit["state"])


async def height(house: House) -> int:
    return int(await house.devnet.anvil.rpc("eth_blockNumber"), 16)


async def credited(house: House, alice: CustomerId) -> bool:
    return await figures(house, alice, "ETH") == (ETHER, 0)


async def test_dpe_08_while_finality_stands_still_what_arrives_waits(doubtful: House, provider: LyingNode) -> None:
    """However many blocks are on top of it, and whatever is safe."""
    alice = await doubtful.customer("alice")
    await look(doubtful)
    await call_final(doubtful, provider, await height(doubtful) - 2)
    await pay_in(doubtful, alice, "ETH", "1")
    await look(doubtful, 20)
    assert await state(doubtful) == "confirming"
    assert await figures(doubtful, alice, "ETH") == (0, 0)
    provider.lies.clear()
    await look(doubtful)
    assert await credited(doubtful, alice)


async def test_dpe_08_finality_that_goes_backwards_stops_all_credit_until_it_has_caught_up(
    doubtful: House, provider: LyingNode
) -> None:
    alice = await doubtful.customer("alice")
    await look(doubtful)
    await pay_in(doubtful, alice, "ETH", "1")
    paid = await height(doubtful)
    await call_final(doubtful, provider, paid - 1)
    await look(doubtful, 2)
    await call_final(doubtful, provider, paid - 2)
    for _ in range(3):
        with pytest.raises(FinalityWentBack, match=f"calls block {paid - 2} final"):
            await look(doubtful)
    notice = await read_notice(doubtful.context, ETHEREUM, FINALITY)
    assert notice is not None
    assert notice["state"] == WENT_BACK
    assert await state(doubtful) == "confirming"
    assert await figures(doubtful, alice, "ETH") == (0, 0)
    provider.lies.clear()
    await look(doubtful)
    assert await credited(doubtful, alice)
    notice = await read_notice(doubtful.context, ETHEREUM, FINALITY)
    assert notice is not None
    assert notice["state"] == GOES_ON


@pytest.mark.whole
async def test_dpe_08_a_chain_without_finalized_blocks_has_a_policy_of_its_own(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, provider: LyingNode
) -> None:
    """Five confirmations, its own block included; without the policy nothing would ever be final there."""

    def untold(params: list[Any], truth: Any) -> Any:
        if params[0] == "finalized":
            raise Refusal(-39001, "unknown block")
        return truth

    provider.lies["eth_getBlockByNumber"] = untold
    url = {"COFFER__NETWORKS__ETHEREUM__URL": provider.url}
    async with open_house(devnet, dsns, tmp_path / "node", environment=url) as house:
        alice = await house.customer("alice")
        await pay_in(house, alice, "ETH", "1")
        await look(house, 12)
        assert await state(house) == "confirming"
    policy = {**url, "COFFER__NETWORKS__ETHEREUM__CONFIRMATIONS": "5"}
    async with open_house(devnet, dsns, tmp_path / "node", environment=policy) as house:
        await look(house)
        assert await credited(house, alice)
        await pay_in(house, alice, "ETH", "2")
        await look(house, 3)
        assert await credited(house, alice)
        await look(house)
        assert await figures(house, alice, "ETH") == (3 * ETHER, 0)
