"""What the adapters build, the signer signs, and real nodes accept: every class of payment on both kinds of chain."""

import copy
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chains.bitcoin.network import UtxoNetwork
from chains.signer.judging.policy import read_policy
from chains.signer.local import LocalSigner
from chains.signer.memory.memory import Memory
from node.devnet.anvil import Anvil
from node.devnet.bitcoind import WALLET, Bitcoind
from node.devnet.contracts import dev_dollar
from tests.integration.chains.bitcoin.wallet import FEE, Book, coins, network_on
from tests.integration.chains.evm.chain import DUSD, ETH, Ours, deploy, listed, mint, ours, receipt_of
from tests.unit.chains.bitcoin.material import BTC
from tests.unit.signer.scene import ETHER, KEYS, NETWORKS, NOW, OUTSIDE, bitcoin_request, evm_request, open_memory
from wallet.ids import SubmissionId
from wallet.money import Amount, Asset
from wallet.ports import Branch, Derived, Destination, Instruction, NonceSource, Purpose, SubmissionRef, UtxoSource


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    opened = open_memory(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
async def dollar(anvil: Anvil) -> str:
    return await deploy(anvil, dev_dollar())


@pytest.fixture
def signer(memory: Memory, dollar: str) -> LocalSigner:
    networks: Any = copy.deepcopy(NETWORKS)
    networks["ethereum"]["assets"]["DUSD"]["contract"] = dollar
    return LocalSigner(KEYS, read_policy(networks), memory, lambda: NOW)


@pytest.fixture
async def us(anvil: Anvil, dollar: str, signer: LocalSigner) -> AsyncIterator[Ours]:
    made = ours(anvil.url, listed(dollar), public_keys=(await signer.public_keys())["ethereum"])
    yield made
    await made.network.close()


class Treasury:
    """Builds, has signed and submits one payment after the other, as the core does."""

    def __init__(self, anvil: Anvil, us: Ours, signer: LocalSigner) -> None:
        self._anvil = anvil
        self._network = us.network
        self._signer = signer
        self._made = 0

    async def pay(
        self,
        source: Derived,
        target: str,
        amount: Amount,
        purpose: Purpose = Purpose.WITHDRAWAL,
        more_paths: tuple[str, ...] = (),
    ) -> bool:
        """Whether the chain included it and it did not revert."""
        self._made += 1
        nonce = await self._network.next_nonce(source.address)
        unsigned = await self._network.build(
            [Instruction(f"wdr_{self._made}", Destination(target), amount)],
            NonceSource(source.address, source.path, nonce),
            await self._network.estimate_fee(amount.asset),
        )
        request = evm_request(
            unsigned.payload,
            submission=f"sub_{self._made}",
            purpose=purpose,
            references=(f"wdr_{self._made}",) if purpose is Purpose.WITHDRAWAL else (),
            paths=(source.path, *more_paths),
        )
        await self._signer.check(request)
        signed = await self._signer.sign(request)
        submission = SubmissionRef(request.submission, signed.tx, signed.payload, unsigned.consumes, ())
        await self._network.submit(submission)
        await receipt_of(self._anvil, signed.tx)
        return (await self._network.status(submission)).succeeded

    async def held(self, address: str, asset: Asset) -> int:
        return (await self._network.observe([address], await self._network.tip())).units[asset.symbol]


async def test_a_token_deposit_is_funded_swept_and_paid_out_by_a_real_chain(
    anvil: Anvil, us: Ours, signer: LocalSigner, dollar: str
) -> None:
    treasury = Treasury(anvil, us, signer)
    hot, deposit = us.network.derive(Branch.HOUSE, 0), us.network.derive(Branch.DEPOSIT, 12)
    await receipt_of(anvil, await anvil.pay(hot.address, 3 * ETHER))
    await mint(anvil, dollar, deposit.address, 900_000_000)
    swept = Amount(900_000_000, DUSD)
    gas = await us.network.transfer_cost(DUSD, deposit.address, hot.address, await us.network.estimate_fee(DUSD))
    assert await treasury.pay(hot, deposit.address, gas, Purpose.GAS_FUNDING, (deposit.path,))
    assert await treasury.pay(deposit, hot.address, swept, Purpose.SWEEP)
    assert await treasury.pay(hot, OUTSIDE, Amount(899_999_999, DUSD))
    assert await treasury.pay(hot, OUTSIDE, Amount(ETHER, ETH))
    assert await treasury.held(hot.address, DUSD) == 1
    assert await treasury.held(OUTSIDE, DUSD) == 899_999_999


@pytest.fixture
async def bitcoin(bitcoind: Bitcoind, signer: LocalSigner) -> AsyncIterator[tuple[UtxoNetwork, Book]]:
    book = Book()
    network = network_on(bitcoind, book, public_keys=(await signer.public_keys())["bitcoin"])
    yield network, book
    await network.close()


@pytest.mark.parametrize("branch", [Branch.DEPOSIT, Branch.DEPOSIT_TAPROOT])
async def test_bitcoin_deposits_are_paid_out_by_a_real_node(
    bitcoind: Bitcoind, bitcoin: tuple[UtxoNetwork, Book], signer: LocalSigner, branch: Branch
) -> None:
    network, book = bitcoin
    deposits = await coins(bitcoind, network, book, "0.2", "0.1", "0.15", branch=branch)
    outside = str(await bitcoind.rpc("getnewaddress", wallet=WALLET))
    change = network.derive(Branch.HOUSE, 0)
    instruction = Instruction("wdr_1", Destination(outside), Amount(32_000_000, BTC))
    unsigned = await network.build([instruction], UtxoSource(deposits, change), FEE)
    paths = {coin.outpoint: coin.path for coin in deposits}
    request = bitcoin_request(unsigned.payload, paths=tuple(paths[outpoint] for outpoint in unsigned.consumes))
    signed = await signer.sign(request)
    assert len(unsigned.consumes) > 1
    submission = SubmissionRef(SubmissionId("sub_1"), signed.tx, signed.payload, unsigned.consumes, ())
    await network.submit(submission)
    await bitcoind.mine(1)
    received = await bitcoind.rpc("getreceivedbyaddress", outside, wallet=WALLET)
    assert f"{received:.8f}" == "0.32000000"
