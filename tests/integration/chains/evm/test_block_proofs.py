"""RPC-02: a provider that leaves out a log, or slips one in, is found out by the block's own header."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chains.evm.block_proof import Proofs, header_hash, may_hold, receipts_root
from chains.evm.scan import read_block_receipts, read_blocks
from chains.evm.trie import trie_root
from chains.evm.wire import BlockAnswer, ReceiptAnswer
from chains.rpc.client import JsonRpc
from node.devnet.anvil import Anvil
from tests.integration.chains.evm.chain import Meet, Ours, calldata, listed, mint
from tests.integration.chains.evm.lying import LyingNode
from wallet.ports import Block, NetworkUnreachable

TXS = 140  # more than 128: the keys of the trie change their length there
DROPS = 60


async def crowded(chain: Anvil, dollar: str) -> int:
    """The height of a block with many txs of several types, most of them with logs."""
    sender, other = (await chain.accounts())[:2]
    await chain.rpc("evm_setAutomine", False)
    kinds: list[dict[str, Any]] = [
        {"type": "0x0", "gasPrice": hex(10**11)},
        {
            "type": "0x1",
            "gasPrice": hex(10**11),
            "accessList": [{"address": dollar, "storageKeys": ["0x" + "01" * 32]}],
        },
        {"type": "0x2", "maxFeePerGas": hex(10**11), "maxPriorityFeePerGas": "0x1"},
    ]
    nonce = int(await chain.rpc("eth_getTransactionCount", sender, "latest"), 16)
    for number in range(TXS):
        data = calldata("mint(address,uint256)", other, number + 1) if number % 5 else "0x"
        target = dollar if number % 5 else other
        tx = {"from": sender, "to": target, "data": data, "gas": hex(100_000), "nonce": hex(nonce + number)}
        await chain.rpc("eth_sendTransaction", {**tx, **kinds[number % 3]})
    await chain.mine()
    await chain.rpc("evm_setAutomine", True)
    return int(await chain.rpc("eth_blockNumber"), 16)


@pytest.fixture
async def blocks(chain: Anvil, dollar: str) -> list[tuple[BlockAnswer, list[ReceiptAnswer]]]:
    """Without a tx, with one, and with many; in this order."""
    await chain.mine()
    await mint(chain, dollar, (await chain.accounts())[1], 5)
    top = await crowded(chain, dollar)
    rpc = JsonRpc(chain.url)
    answers = await read_blocks(rpc, range(top - 2, top + 1))
    receipts = await read_block_receipts(rpc, answers)
    await rpc.close()
    return list(zip(answers, receipts, strict=True))


async def test_rpc_02_another_client_hashes_headers_and_receipts_to_the_same(
    blocks: list[tuple[BlockAnswer, list[ReceiptAnswer]]], dollar: str
) -> None:
    assert [len(receipts) for _, receipts in blocks] == [0, 1, TXS]
    assert {receipt.type for receipt in blocks[2][1]} == {"0x0", "0x1", "0x2"}
    for block, receipts in blocks:
        assert header_hash(block) == block.hash
        assert receipts_root(receipts) == block.receipts_root
        assert may_hold(block, [dollar]) == bool(receipts)
        assert not may_hold(block, ["0x" + "ab" * 20])


async def test_rpc_02_whichever_log_is_left_out_the_root_tells(
    blocks: list[tuple[BlockAnswer, list[ReceiptAnswer]]],
) -> None:
    block, receipts = blocks[2]
    chance, missed = random.Random(2), 0
    for _ in range(DROPS):
        place = chance.choice([place for place, receipt in enumerate(receipts) if receipt.logs])
        short = msgspec.structs.replace(receipts[place], logs=receipts[place].logs[:-1])
        missed += receipts_root([*receipts[:place], short, *receipts[place + 1 :]]) == block.receipts_root
    assert missed == 0


def test_the_root_of_nothing_is_the_published_one() -> None:
    """keccak-256 of the RLP of the empty string: yellow paper, appendix D."""
    assert trie_root([]).hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


# ── what a provider may try ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def paid(chain: Anvil, deceived: Ours, dollar: str) -> int:
    """The height of a block in which a token came to us."""
    await chain.mine()
    receipt = await mint(chain, dollar, deceived.address(), 10**6)
    return int(receipt["blockNumber"], 16)


def in_logs(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[list[Any], Any], Any]:
    return lambda _, receipts: [{**receipt, "logs": change(receipt["logs"])} for receipt in receipts]


LIES: dict[str, tuple[str, Callable[[list[Any], Any], Any]]] = {
    "the logs are left out": ("eth_getBlockReceipts", in_logs(lambda logs: [])),
    "a log is told twice": ("eth_getBlockReceipts", in_logs(lambda logs: logs * 2)),
    "a log tells more": (
        "eth_getBlockReceipts",
        in_logs(lambda logs: [{**log, "data": "0x" + "01" * 32} for log in logs]),
    ),
    "the tx succeeded otherwise": (
        "eth_getBlockReceipts",
        lambda _, receipts: [{**receipt, "cumulativeGasUsed": "0x1"} for receipt in receipts],
    ),
    "the filter is emptied": (
        "eth_getBlockByNumber",
        lambda _, block: {**block, "logsBloom": "0x" + "00" * 256},
    ),
    "the root is another": (
        "eth_getBlockByNumber",
        lambda _, block: {**block, "receiptsRoot": "0x" + "11" * 32},
    ),
    "the filter is of another length": ("eth_getBlockByNumber", lambda _, block: {**block, "logsBloom": "0x00"}),
    "a field is no number": ("eth_getBlockByNumber", lambda _, block: {**block, "gasUsed": "0x"}),
}


@pytest.mark.parametrize("lie", LIES)
async def test_rpc_02_a_provider_that_tells_half_of_a_block_is_refused(
    lying: LyingNode, deceived: Ours, paid: int, lie: str
) -> None:
    method, alter = LIES[lie]
    lying.lies[method] = alter
    with pytest.raises(NetworkUnreachable):
        await deceived.blocks(paid, paid)
    assert lying.told[method] == 1
    lying.lies.clear()
    (block,) = await deceived.blocks(paid, paid)
    assert [one.amount.units for one in block.incoming] == [10**6]


async def test_rpc_02_empty_and_short_logs_now_and_then_miss_nothing(
    chain: Anvil, lying: LyingNode, deceived: Ours, dollar: str
) -> None:
    """Each third answer leaves logs out. A scan that tries again finds each deposit once."""
    address = deceived.address()
    first = int((await mint(chain, dollar, address, 1))["blockNumber"], 16)
    for units in range(2, 13):
        last = int((await mint(chain, dollar, address, units))["blockNumber"], 16)
    answers = 0

    def now_and_then(_: list[Any], receipts: Any) -> Any:
        nonlocal answers
        answers += 1
        return receipts if answers % 3 else in_logs(lambda logs: logs[:-1])(_, receipts)

    lying.lies["eth_getBlockReceipts"] = now_and_then
    found: list[Block] = []
    refused = 0
    while len(found) < last - first + 1:
        try:
            found += await deceived.blocks(first + len(found), first + len(found))
        except NetworkUnreachable:
            refused += 1
    assert refused >= 4
    assert [one.amount.units for block in found for one in block.incoming] == list(range(1, 13))


# ── what cannot be checked ───────────────────────────────────────────────────────────────────────────────────────────


def of_a_later_fork(_: list[Any], block: dict[str, Any]) -> dict[str, Any]:
    """A header with a field that nobody here knows, and so with another hash."""
    return {**block, "slotNumber": "0x7", "gasLimit": "0x1"}


async def test_rpc_09_a_header_that_is_not_known_says_so_and_is_refused_where_proof_is_required(
    chain: Anvil, lying: LyingNode, meet: Meet, dollar: str
) -> None:
    lenient, strict = (
        meet(listed(dollar), url=lying.url, proofs=proofs) for proofs in (Proofs.WHERE_POSSIBLE, Proofs.REQUIRED)
    )
    addresses = [lenient.address(), strict.address()]
    height = int((await mint(chain, dollar, addresses[0], 7))["blockNumber"], 16)
    lying.lies = {"eth_getBlockByNumber": of_a_later_fork, "eth_getBlockByHash": of_a_later_fork}
    assert [one.amount.units for block in await lenient.blocks(height, height) for one in block.incoming] == [7]
    assert [view.unproven for view in lenient.network.providers()] == [
        "its header has fields that are not known: slotNumber"
    ]
    with pytest.raises(
        NetworkUnreachable, match="cannot be verified: its header has fields that are not known: slotNumber"
    ):
        await strict.blocks(height, height)
    assert lying.told == {"eth_getBlockByNumber": 2, "eth_getBlockByHash": 2}
    lying.lies.clear()
    await lenient.blocks(height, height)
    assert [view.unproven for view in lenient.network.providers()] == [None]


async def test_a_receipt_of_an_unknown_type_is_not_guessed(
    chain: Anvil, lying: LyingNode, meet: Meet, dollar: str
) -> None:
    strict = meet(listed(dollar), url=lying.url, proofs=Proofs.REQUIRED)
    height = int((await mint(chain, dollar, strict.address(), 7))["blockNumber"], 16)
    lying.lies["eth_getBlockReceipts"] = lambda _, receipts: [{**receipt, "type": "0x7e"} for receipt in receipts]
    with pytest.raises(NetworkUnreachable, match="cannot be verified: it holds a tx of type 126"):
        await strict.blocks(height, height)
    assert lying.told["eth_getBlockReceipts"] == 1


async def test_without_proofs_a_provider_is_believed(chain: Anvil, lying: LyingNode, meet: Meet, dollar: str) -> None:
    trusting = meet(listed(dollar), url=lying.url, proofs=Proofs.OFF)
    height = int((await mint(chain, dollar, trusting.address(), 7))["blockNumber"], 16)
    lying.lies["eth_getBlockReceipts"] = in_logs(lambda logs: [])
    assert [block.incoming for block in await trusting.blocks(height, height)] == [()]
