"""The books belong to their networks. Another chain, another seed or another scale under them is refused in one line."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.database import Dsns
from node.devnet.anvil import Anvil, find_anvil
from node.devnet.bitcoind import Bitcoind, find_bitcoind
from node.devnet.networks import Devnet
from tests.scenario.house import open_house
from tests.scenario.paid_in import pay_in
from wallet.ports import NetworkMismatch

OTHER_IBAN = "DE02120300000000202051"


@pytest.fixture
async def other_anvil(tmp_path: Path) -> AsyncIterator[Anvil]:
    """A new chain with the old chain id and nothing on it but a token at the old place."""
    chain = Anvil(tmp_path / "other-anvil", find_anvil(), state=False)
    await chain.start()
    yield chain
    await chain.stop()


@pytest.fixture
async def other_bitcoind(tmp_path: Path) -> AsyncIterator[Bitcoind]:
    """Another regtest chain: its genesis is the same, as of every regtest chain."""
    chain = Bitcoind(tmp_path / "other-bitcoind", find_bitcoind(print))
    await chain.start()
    yield chain
    await chain.stop()


async def worked(devnet: Devnet, dsns: Dsns, folder: Path) -> None:
    """Books that have seen every network."""
    async with open_house(devnet, dsns, folder) as house:
        alice = await house.customer("alice")
        await pay_in(house, alice, "BTC", "0.1")
        for _ in range(4):
            await house.turn()
        assert await house.available(alice, "BTC") == "0.10000000"


async def refused(devnet: Devnet, dsns: Dsns, folder: Path) -> str:
    with pytest.raises(NetworkMismatch) as refusal:
        async with open_house(devnet, dsns, folder):
            pytest.fail("it opened")
    message = str(refusal.value)
    assert "\n" not in message
    return message


async def test_a_new_ethereum_chain_under_old_books_is_refused_in_one_line(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, other_anvil: Anvil
) -> None:
    await worked(devnet, dsns, tmp_path / "node")
    code = await devnet.anvil.rpc("eth_getCode", devnet.dev_dollar, "latest")
    await other_anvil.rpc("anvil_setCode", devnet.dev_dollar, code)
    message = await refused(replace(devnet, anvil=other_anvil), dsns, tmp_path / "node")
    assert message.startswith("ethereum is another chain")
    await worked_on(devnet, dsns, tmp_path / "node")


async def test_a_new_bitcoin_chain_under_old_books_is_refused_in_one_line(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, other_bitcoind: Bitcoind
) -> None:
    await worked(devnet, dsns, tmp_path / "node")
    message = await refused(replace(devnet, bitcoind=other_bitcoind), dsns, tmp_path / "node")
    assert message.startswith("bitcoin is another chain")
    await worked_on(devnet, dsns, tmp_path / "node")


@pytest.mark.parametrize("blocks", [20, pytest.param(60, marks=pytest.mark.whole)])
async def test_a_bitcoin_chain_that_left_the_old_one_before_all_that_was_seen_is_refused_in_one_line(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, other_bitcoind: Bitcoind, blocks: int
) -> None:
    """As a node that was put back and went on without us; it is shorter now than the old chain, or longer."""
    beside = replace(devnet, bitcoind=other_bitcoind)
    await worked(beside, dsns, tmp_path / "node")
    height = int(await other_bitcoind.rpc("getblockcount"))
    await other_bitcoind.rpc("invalidateblock", await other_bitcoind.rpc("getblockhash", height - 40))
    for _ in range(blocks):
        await other_bitcoind.rpc("generateblock", await other_bitcoind.new_address(), [])
    assert (await refused(beside, dsns, tmp_path / "node")).startswith("bitcoin shares no block")


async def test_another_seed_under_old_books_is_refused_in_one_line(devnet: Devnet, dsns: Dsns, tmp_path: Path) -> None:
    await worked(devnet, dsns, tmp_path / "node")
    assert "another seed" in await refused(devnet, dsns, tmp_path / "other-node")


async def worked_on(devnet: Devnet, dsns: Dsns, folder: Path) -> None:
    """The refusal has changed nothing: with the old networks everything goes on."""
    async with open_house(devnet, dsns, folder) as house:
        await house.turn()
        await house.prove()


async def test_another_bank_account_under_old_books_is_refused_in_one_line(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await worked(devnet, dsns, tmp_path / "node")
    with monkeypatch.context() as changed:
        changed.setattr("node.devnet.networks.BANK_IBAN", OTHER_IBAN)
        assert (await refused(devnet, dsns, tmp_path / "node")).startswith("sepa is another chain or account")
    await worked_on(devnet, dsns, tmp_path / "node")
