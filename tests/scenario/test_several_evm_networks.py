"""Several EVM networks beside each other: each its own chain, one asset on both, and none taken for the other (DPE-12)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from node.database import Dsns
from node.devnet.anvil import CHAIN_ID, Anvil, find_anvil
from node.devnet.networks import Devnet
from node.workers.follow_network import follow_network
from node.workers.pay_withdrawals import pay_and_follow
from tests.contracts import hostile
from tests.integration.chains.evm.chain import deploy, mint
from tests.integration.chains.evm.lying import LyingNode
from tests.scenario.house import ETHEREUM, House, open_house
from tests.scenario.paid_in import figures, fresh_ethereum_address
from wallet import schema
from wallet.ids import NetworkId
from wallet.ports import Destination, NetworkMismatch

SECOND = NetworkId("second")
SECOND_CHAIN_ID = 31338
ETHER = 10**18


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[Anvil]:
    chain = Anvil(tmp_path / "second-anvil", find_anvil(), state=False, chain_id=SECOND_CHAIN_ID)
    await chain.start()
    yield chain
    await chain.stop()


@pytest.fixture
async def provider(second: Anvil) -> AsyncIterator[LyingNode]:
    """In front of the second chain, so that what stands behind it can be exchanged."""
    node = LyingNode(second.url)
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
async def both(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, second: Anvil, provider: LyingNode
) -> AsyncIterator[tuple[House, str]]:
    """A house on two chains, and the dollar's contract on the second, where it has eighteen decimals."""
    contract = await deploy(second, hostile("EighteenDecimals"))
    node = f"""[networks.second]
kind = "evm"
url = "{provider.url}"
chain_id = {SECOND_CHAIN_ID}
assets.ETH = {{ decimals = 18 }}
assets.DUSD = {{ decimals = 18, scale = 6, contract = "{contract}" }}
"""
    signer = f"""[networks.second]
kind = "evm"
chain_id = {SECOND_CHAIN_ID}
fee_max = "0.05"
fee_window_max = "1"
gas_funding_max = "0.02"
window_s = 86400
assets.ETH = {{ decimals = 18, submission_max = "10", window_max = "50" }}
assets.DUSD = {{ decimals = 18, contract = "{contract}", submission_max = "1000", window_max = "5000" }}
"""
    async with open_house(devnet, dsns, tmp_path / "node", also=(node, signer)) as house:
        yield house, contract


async def turns(house: House, second: Anvil, count: int = 5) -> None:
    for _ in range(count):
        await second.mine()
        await house.turn()


async def test_dpe_12_one_asset_on_two_chains_of_other_decimals_adds_up(both: tuple[House, str], second: Anvil) -> None:
    house, contract = both
    alice = await house.customer("alice")
    address = await house.address(alice, ETHEREUM)
    there = await house.address(alice, SECOND)
    await house.devnet.outside.mint_dev_dollars(address, 1_500_000)
    await mint(second, contract, there, 2 * 10**18 + 10**12)
    await turns(house, second)
    assert await figures(house, alice, "DUSD") == (3_500_001, 0)
    networks = {row["network"]: (row["units"], row["state"]) for row in await house.deposits()}
    assert networks == {"ethereum": (1_500_000, "credited"), "second": (2_000_001, "credited")}
    await mint(second, contract, there, 10**12 + 1)
    await turns(house, second)
    (inexact,) = [row for row in await house.deposits() if row["state"] == "quarantined"]
    assert (inexact["network"], inexact["units"], inexact["reason"]) == ("second", 1, "inexact")
    assert await figures(house, alice, "DUSD") == (3_500_001, 0)


@pytest.mark.whole
async def test_dpe_12_a_payment_on_one_chain_is_nothing_on_the_other(both: tuple[House, str], second: Anvil) -> None:
    """The customer has the same address on both, and the chains have the same accounts."""
    house, _ = both
    alice = await house.customer("alice")
    assert await house.address(alice, ETHEREUM) == await house.address(alice, SECOND)
    await second.pay(await house.address(alice, SECOND), ETHER)
    await turns(house, second)
    (deposit,) = await house.deposits()
    assert (deposit["network"], deposit["identity"].partition(":")[0]) == ("second", str(SECOND_CHAIN_ID))
    assert await figures(house, alice, "ETH") == (ETHER, 0)


async def test_dpe_12_another_chain_behind_the_same_provider_stops_that_network_alone(
    both: tuple[House, str], second: Anvil, provider: LyingNode
) -> None:
    """It is exchanged while the node runs. Nothing of it is read, and nothing of ours is believed dead because of it."""
    house, _ = both
    alice = await house.customer("alice")
    await second.pay(await house.hot(SECOND), ETHER)
    await second.pay(await house.address(alice, SECOND), 3 * ETHER)
    await turns(house, second)
    await house.withdraw(alice, SECOND, "ETH", "1", Destination(fresh_ethereum_address()))
    await pay_and_follow(house.context, house.context.networks[SECOND])
    (sent,) = [row for row in await house.submissions() if row["purpose"] == "withdrawal"]
    provider.truth_url = house.devnet.anvil.url
    network = house.context.networks[SECOND]
    with pytest.raises(NetworkMismatch, match=f"serves chain {CHAIN_ID}, not {SECOND_CHAIN_ID}"):
        await follow_network(house.context, network)
    await pay_and_follow(house.context, network)
    await house.devnet.outside.send_ether(await house.address(alice, ETHEREUM), 7 * ETHER, account=1)
    for _ in range(5):
        await house.mine()
        await house.step(ETHEREUM)
    assert {row["network"] for row in await house.deposits() if row["units"] == 7 * ETHER} == {"ethereum"}
    (row,) = await house.context.all(select(schema.submissions).where(schema.submissions.c.id == sent["id"]))
    assert row["state"] == sent["state"]
    provider.truth_url = second.url
    await turns(house, second)
    (row,) = await house.context.all(select(schema.submissions).where(schema.submissions.c.id == sent["id"]))
    assert row["state"] == "final"


@pytest.mark.whole
async def test_dpe_12_a_new_chain_of_the_same_id_behind_the_same_provider_stops_that_network(
    both: tuple[House, str], tmp_path: Path, provider: LyingNode
) -> None:
    house, _ = both
    other = Anvil(tmp_path / "other-anvil", find_anvil(), state=False, chain_id=SECOND_CHAIN_ID)
    await other.start()
    try:
        genesis = await other.rpc("eth_getBlockByNumber", "0x0", False)
        provider.truth_url = other.url
        known = (await house.context.one(select(schema.networks).where(schema.networks.c.id == SECOND)) or {})[
            "identity"
        ]
        assert genesis["hash"] != known
        with pytest.raises(NetworkMismatch, match="another chain of that id"):
            await follow_network(house.context, house.context.networks[SECOND])
    finally:
        await other.stop()


async def test_dpe_12_a_provider_of_another_chain_is_refused_at_the_start(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, second: Anvil
) -> None:
    with pytest.raises(NetworkMismatch, match=f"serves chain {SECOND_CHAIN_ID}, not {CHAIN_ID}"):
        async with open_house(replace(devnet, anvil=second), dsns, tmp_path / "node"):
            pytest.fail("it opened")
