"""Whatever a provider answers, it ends as one of the closed set of errors, and nothing arrives that did not."""

from collections.abc import Callable
from typing import Any

import pytest

from node.devnet.anvil import Anvil
from node.processes import attempts
from tests.integration.chains.evm.chain import ETH, GWEI, Meet, Ours, listed, mint, send
from tests.integration.chains.evm.lying import LyingNode, Refusal
from wallet.ports import (
    BlockVanished,
    FeeAbsurd,
    FeeTooHigh,
    NetworkError,
    NetworkMismatch,
    NetworkRateLimited,
    NetworkUnreachable,
)

WORD = "0x" + "11" * 32


def with_field(name: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda answer: {**answer, name: value}


def without_field(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda answer: {key: value for key, value in answer.items() if key != name}


def refuse(code: int, message: str) -> Any:
    raise Refusal(code, message)


@pytest.fixture
async def paid(chain: Anvil, deceived: Ours, dollar: str) -> int:
    """The height of a block with a token's payment to us; one with ether is below it."""
    address = deceived.address()
    await send(chain, address, wei=10**18)
    receipt = await mint(chain, dollar, address, 10**6)
    return int(receipt["blockNumber"], 16)


async def test_the_lying_node_tells_the_truth_until_told_otherwise(deceived: Ours, paid: int) -> None:
    assert [len(block.incoming) for block in await deceived.blocks(paid - 1, paid)] == [1, 1]


BROKEN_BLOCKS: list[Callable[[dict[str, Any]], Any]] = [
    lambda block: [],
    lambda block: "block",
    lambda block: 7,
    without_field("hash"),
    without_field("transactions"),
    with_field("hash", None),
    with_field("hash", "0x1"),
    with_field("parentHash", 5),
    with_field("number", 3),
    with_field("number", "0x"),
    with_field("number", "0x0"),
    with_field("number", "3"),
    with_field("timestamp", "0x" + "f" * 60),
    with_field("timestamp", "0x" + "f" * 15),
    with_field("timestamp", None),
    with_field("transactions", None),
    with_field("transactions", {}),
    with_field("transactions", [WORD]),
    with_field("transactions", []),
]
BROKEN_TXS = [
    without_field("hash"),
    with_field("hash", WORD),
    with_field("value", 10**18),
    with_field("value", "1e18"),
    with_field("value", "-0x1"),
    with_field("value", "0x" + "f" * 65),
    with_field("value", None),
    with_field("from", None),
    with_field("from", "0x"),
    with_field("to", 5),
]
BROKEN_RECEIPTS = [
    without_field("status"),
    with_field("status", None),
    with_field("status", True),
    with_field("status", "ok"),
    with_field("logs", None),
    with_field("logs", [{}]),
    with_field("logs", [None]),
    with_field("logs", "0x"),
    with_field("transactionHash", WORD),
    with_field("blockHash", WORD),
    with_field("blockHash", None),
]
BROKEN_LOGS = [
    with_field("topics", None),
    with_field("topics", [5]),
    with_field("topics", {"0": WORD}),
    with_field("data", 5),
    with_field("address", None),
    with_field("removed", "no"),
    with_field("removed", True),
]


@pytest.mark.parametrize("lie", BROKEN_BLOCKS)
async def test_a_broken_block_raises(lying: LyingNode, deceived: Ours, paid: int, lie: Callable[[Any], Any]) -> None:
    lying.lies["eth_getBlockByNumber"] = lambda _, block: lie(block)
    with pytest.raises(NetworkError):
        await deceived.blocks(paid, paid)
    assert lying.told["eth_getBlockByNumber"] == 1


@pytest.mark.parametrize("lie", BROKEN_TXS)
async def test_a_broken_tx_raises(lying: LyingNode, deceived: Ours, paid: int, lie: Callable[[Any], Any]) -> None:
    def tell(_: Any, block: dict[str, Any]) -> dict[str, Any]:
        return {**block, "transactions": [lie(tx) for tx in block["transactions"]]}

    lying.lies["eth_getBlockByNumber"] = tell
    with pytest.raises(NetworkError):
        await deceived.blocks(paid, paid)


@pytest.mark.parametrize("lie", BROKEN_RECEIPTS)
async def test_a_broken_receipt_raises(lying: LyingNode, deceived: Ours, paid: int, lie: Callable[[Any], Any]) -> None:
    lying.lies["eth_getBlockReceipts"] = lambda _, receipts: [lie(receipt) for receipt in receipts]
    with pytest.raises(NetworkError):
        await deceived.blocks(paid, paid)
    assert lying.told["eth_getBlockReceipts"] == 1


@pytest.mark.parametrize("lie", BROKEN_LOGS)
async def test_a_broken_log_raises(lying: LyingNode, deceived: Ours, paid: int, lie: Callable[[Any], Any]) -> None:
    def tell(_: Any, receipts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**receipt, "logs": [lie(log) for log in receipt["logs"]]} for receipt in receipts]

    lying.lies["eth_getBlockReceipts"] = tell
    with pytest.raises(NetworkError):
        await deceived.blocks(paid, paid)


@pytest.mark.parametrize("receipts", [None, [], [None], {}, "0x", 5])
async def test_missing_receipts_raise(lying: LyingNode, deceived: Ours, paid: int, receipts: Any) -> None:
    lying.lies["eth_getBlockReceipts"] = lambda _, truth: receipts
    with pytest.raises(NetworkError):
        await deceived.blocks(paid, paid)


async def test_receipts_in_another_order_raise(lying: LyingNode, deceived: Ours, paid: int) -> None:
    lying.lies["eth_getBlockReceipts"] = lambda _, receipts: [*receipts, *receipts]
    with pytest.raises(NetworkUnreachable):
        await deceived.blocks(paid, paid)


async def test_a_provider_without_block_receipts_is_asked_tx_by_tx(
    lying: LyingNode, deceived: Ours, us: Ours, paid: int
) -> None:
    lying.lies["eth_getBlockReceipts"] = lambda _, receipts: refuse(-32601, "the method does not exist")
    us.book.addresses |= deceived.book.addresses
    assert await deceived.blocks(paid - 1, paid) == await us.blocks(paid - 1, paid)
    await deceived.blocks(paid - 1, paid)
    assert lying.told["eth_getBlockReceipts"] == 2  # the two of the first batch; it is not asked again


async def test_a_parent_that_does_not_fit_is_a_reorg(lying: LyingNode, deceived: Ours, paid: int) -> None:
    lying.lies["eth_getBlockByNumber"] = lambda params, block: (
        {**block, "parentHash": WORD} if params[0] == hex(paid) else block
    )
    with pytest.raises(BlockVanished):
        await deceived.blocks(paid - 1, paid)


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (-32000, "header not found", BlockVanished),
        (-32001, "Resource not found", BlockVanished),
        (-32000, "missing trie node 0x00 (path )", NetworkUnreachable),
        (-32603, "Internal error", NetworkUnreachable),
        (-32005, "limit exceeded", NetworkRateLimited),
    ],
)
async def test_a_balance_that_the_node_cannot_read_raises_and_is_no_doubt(
    lying: LyingNode, deceived: Ours, paid: int, code: int, message: str, error: type[NetworkError]
) -> None:
    lying.lies["eth_call"] = lambda *_: refuse(code, message)
    with pytest.raises(error):
        await deceived.blocks(paid, paid)


@pytest.mark.parametrize("answer", ["0x", "0x0", "0x" + "f" * 66, "hello", ""])
async def test_a_balance_that_is_no_number_is_a_doubt(lying: LyingNode, deceived: Ours, paid: int, answer: str) -> None:
    lying.lies["eth_call"] = lambda *_: answer
    (block,) = await deceived.blocks(paid, paid)
    assert [arrival.doubt for arrival in block.incoming] == ["balance_unreadable"]


@pytest.mark.parametrize("answer", [None, 5, {}, "0x", "x", [], "0x" + "f" * 65])
async def test_a_broken_number_raises_wherever_it_is_read(lying: LyingNode, deceived: Ours, answer: Any) -> None:
    for method in ("eth_chainId", "eth_getTransactionCount", "eth_maxPriorityFeePerGas"):
        lying.lies[method] = lambda *_: answer
    for asked in (
        deceived.network.identity(),
        deceived.network.next_nonce(WORD[:42]),
        deceived.network.estimate_fee(ETH),
    ):
        with pytest.raises(NetworkUnreachable):
            await asked


@pytest.mark.parametrize(
    "history", [None, {}, {"baseFeePerGas": []}, {"baseFeePerGas": [None]}, {"baseFeePerGas": "0x1"}]
)
async def test_a_broken_fee_history_raises(lying: LyingNode, deceived: Ours, history: Any) -> None:
    lying.lies["eth_feeHistory"] = lambda *_: history
    with pytest.raises(NetworkUnreachable):
        await deceived.network.estimate_fee(ETH)


async def costly(chain: Anvil) -> None:
    """Blocks that all cost about a gwei: one that jumped there from nothing would itself be absurd."""
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(3 * GWEI))
    await chain.rpc("anvil_mine", hex(12))
    async for _ in attempts(10, 0.02):  # anvil writes its history of fees a moment after the block
        history = await chain.rpc("eth_feeHistory", "0x1", "latest", [])
        block = await chain.rpc("eth_getBlockByNumber", "latest", False)
        if (history["oldestBlock"], history["baseFeePerGas"][0]) == (block["number"], block["baseFeePerGas"]):
            return
    raise AssertionError("anvil's history of fees does not reach its newest block")


def swapped_units(_params: list[Any], truth: Any) -> Any:
    """As a provider that tells gwei where wei are asked for: everything a thousand million times too small."""
    return {**truth, "baseFeePerGas": [hex(int(fee, 16) // GWEI) for fee in truth["baseFeePerGas"]]}


def spiked(_params: list[Any], truth: Any) -> Any:
    return {**truth, "baseFeePerGas": [*truth["baseFeePerGas"][:-1], hex(1000 * GWEI)]}


ABSURD: dict[str, tuple[str, Any]] = {
    "a tip of 10^9 gwei": ("eth_maxPriorityFeePerGas", lambda *_: hex(10**18)),
    "a tip in wei told as gwei": ("eth_maxPriorityFeePerGas", lambda *_: hex(GWEI * GWEI)),
    "a base fee times a thousand": ("eth_feeHistory", spiked),
    "a base fee of 2^256 - 1": ("eth_feeHistory", lambda _, truth: {**truth, "baseFeePerGas": ["0x" + "f" * 64] * 2}),
    "gwei for wei": ("eth_feeHistory", swapped_units),
    "a negative tip": ("eth_maxPriorityFeePerGas", lambda *_: "-0x1"),
    "a negative number": ("eth_maxPriorityFeePerGas", lambda *_: -1),
    "no number": ("eth_maxPriorityFeePerGas", lambda *_: float("nan")),
    "200 MB": ("eth_maxPriorityFeePerGas", lambda *_: "0x" + "0" * 200_000_000),
}


@pytest.mark.parametrize("lie", [pytest.param(n, marks=pytest.mark.whole if n == "200 MB" else ()) for n in ABSURD])
async def test_wdr_11_an_absurd_fee_is_no_fee(chain: Anvil, lying: LyingNode, deceived: Ours, lie: str) -> None:
    await costly(chain)
    honest = await deceived.network.estimate_fee(ETH)
    method, told = ABSURD[lie]
    lying.lies[method] = told
    with pytest.raises((FeeAbsurd, FeeTooHigh, NetworkUnreachable)):
        await deceived.network.estimate_fee(ETH)
    assert lying.told[method] >= 1
    lying.lies.clear()
    assert (await deceived.network.estimate_fee(ETH)).tip == honest.tip


async def test_wdr_11_free_gas_is_absurd(lying: LyingNode, deceived: Ours) -> None:
    lying.lies["eth_maxPriorityFeePerGas"] = lambda *_: "0x0"
    lying.lies["eth_feeHistory"] = lambda *_: {"oldestBlock": "0x0", "baseFeePerGas": ["0x0", "0x0"]}
    with pytest.raises(FeeAbsurd):
        await deceived.network.estimate_fee(ETH)


async def test_wdr_11_above_our_cap_nothing_is_built(chain: Anvil, meet: Meet) -> None:
    us = meet(max_fee_per_gas_wei=GWEI)
    await costly(chain)
    with pytest.raises(FeeTooHigh):
        await us.network.estimate_fee(ETH)


async def test_another_chain_is_refused(lying: LyingNode, deceived: Ours) -> None:
    lying.lies["eth_chainId"] = lambda *_: "0x1"
    with pytest.raises(NetworkMismatch, match="chain 1, not 31337"):
        await deceived.network.identity()


async def test_no_genesis_is_no_identity(lying: LyingNode, deceived: Ours) -> None:
    lying.lies["eth_getBlockByNumber"] = lambda *_: None
    with pytest.raises(NetworkUnreachable):
        await deceived.network.identity()


NO_FINAL_BLOCK = [
    lambda *_: None,
    lambda *_: refuse(-39001, "unknown"),
    lambda *_: refuse(-32000, "finalized block not found"),
]


@pytest.mark.parametrize("lie", NO_FINAL_BLOCK)
async def test_dpe_08_without_a_finalized_block_nothing_is_final(lying: LyingNode, deceived: Ours, lie: Any) -> None:
    lying.lies["eth_getBlockByNumber"] = lie
    assert await deceived.network.final() is None


async def test_dpe_08_only_the_finalized_tag_is_asked_for(lying: LyingNode, deceived: Ours) -> None:
    asked: list[Any] = []

    def listen(params: list[Any], truth: Any) -> Any:
        asked.append(params[0])
        return truth

    lying.lies["eth_getBlockByNumber"] = listen
    final, tip = await deceived.network.final(), await deceived.network.tip()
    assert asked == ["finalized", "0x0", "latest"]
    assert final is not None
    assert final.height < tip.height


async def test_tokens_are_known_by_their_contract_and_its_decimals(meet: Meet, dollar: str, chain: Anvil) -> None:
    nobody = (await chain.accounts())[1]
    assert (
        await meet(listed(dollar)).network.identity() == (await chain.rpc("eth_getBlockByNumber", "0x0", False))["hash"]
    )
    with pytest.raises(NetworkMismatch, match="decimals"):
        await meet(listed(dollar, decimals=18)).network.identity()
    with pytest.raises(NetworkMismatch, match="decimals"):
        await meet(listed(nobody)).network.identity()
