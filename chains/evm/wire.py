"""What a node answers, and the reading of its hexadecimal texts.

Only the fields that we use are named; msgspec skips the rest. The structs promise that fields are there and are texts;
what a text means is read where it is used, and a wrong one is a broken answer (`NetworkUnreachable`), never a crash. Those of
which a block has hundreds are left out of garbage collection: what was read from JSON holds nothing that leads back to it.
"""

import re

import msgspec

from chains.rpc.client import RpcError
from wallet.ports import BlockRef, BlockVanished, NetworkError, NetworkUnreachable

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_BYTES = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)
_FAILURES = (
    *("revert", "opcode", "out of gas", "gas required exceeds", "gas uint64 overflow", "invalid jump", "stack "),
    *("return data out of bounds", "write protection"),
    "evm error",  # anvil, with revm's name of the halt after it
)  # how clients name a failed execution, which whoever wrote the contract may choose
_GONE = ("not found", "unknown block", "header for hash")
_STATE_GONE = ("missing trie node", "pruned", "historical state", "state not available", "state is not available")
_REVERTED = 3  # geth's code for a revert with a reason


class HeaderAnswer(msgspec.Struct, rename="camel", frozen=True):
    number: str
    hash: str
    parent_hash: str
    timestamp: str

    @property
    def ref(self) -> BlockRef:
        return BlockRef(quantity(self.number), block_id(self.hash))


class TxAnswer(msgspec.Struct, rename="camel", frozen=True, gc=False):
    hash: str
    source: str = msgspec.field(name="from")
    value: str
    target: str | None = msgspec.field(name="to", default=None)


class WithdrawalAnswer(msgspec.Struct, rename="camel", frozen=True):
    """What a validator takes out (EIP-4895): no tx carries it. `amount` is in gwei, `index` counts over the whole chain."""

    index: str
    address: str
    amount: str


class BlockAnswer(HeaderAnswer, rename="camel", frozen=True):
    """With what the header holds besides, as far as its fork has it (`block_proof` proves the block by it)."""

    transactions: list[TxAnswer]
    withdrawals: list[WithdrawalAnswer] | None = None
    sha3_uncles: str | None = None
    miner: str | None = None
    state_root: str | None = None
    transactions_root: str | None = None
    receipts_root: str | None = None
    logs_bloom: str | None = None
    difficulty: str | None = None
    gas_limit: str | None = None
    gas_used: str | None = None
    extra_data: str | None = None
    mix_hash: str | None = None
    nonce: str | None = None
    base_fee_per_gas: str | None = None
    withdrawals_root: str | None = None
    blob_gas_used: str | None = None
    excess_blob_gas: str | None = None
    parent_beacon_block_root: str | None = None
    requests_hash: str | None = None


class LogAnswer(msgspec.Struct, rename="camel", frozen=True, gc=False):
    address: str
    topics: list[str]
    data: str
    removed: bool = False


class ReceiptAnswer(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """What became of a tx in its block. Blobs and the fee for the chain below are there on few chains and txs only."""

    transaction_hash: str
    block_hash: str
    block_number: str
    status: str
    gas_used: str
    effective_gas_price: str
    logs: list[LogAnswer]
    type: str = "0x0"
    cumulative_gas_used: str | None = None
    logs_bloom: str | None = None
    blob_gas_used: str | None = None
    blob_gas_price: str | None = None
    l1_fee: str | None = None

    @property
    def fee_wei(self) -> int:
        """All that the tx cost its sender: gas, blobs (EIP-4844) and what an OP-stack chain takes for the chain below it."""
        gas = quantity(self.gas_used) * quantity(self.effective_gas_price)
        blobs = quantity(self.blob_gas_used or "0x0") * quantity(self.blob_gas_price or "0x0")
        return gas + blobs + quantity(self.l1_fee or "0x0")


class ActionAnswer(msgspec.Struct, rename="camel", frozen=True):
    """What a frame did; which fields are there depends on its kind."""

    source: str | None = msgspec.field(name="from", default=None)
    target: str | None = msgspec.field(name="to", default=None)
    value: str | None = None
    call_type: str | None = None
    address: str | None = None
    refund_address: str | None = None
    balance: str | None = None


class MadeAnswer(msgspec.Struct, rename="camel", frozen=True):
    address: str | None = None


class TraceAnswer(msgspec.Struct, rename="camel", frozen=True):
    """One frame, in the format of Parity's `trace_block`, which Erigon, Nethermind, Reth and anvil write as well."""

    action: ActionAnswer
    block_hash: str
    trace_address: list[int]
    subtraces: int
    type: str
    transaction_hash: str | None = None
    result: MadeAnswer | None = None
    error: str | None = None


class FeeHistoryAnswer(msgspec.Struct, rename="camel", frozen=True):
    """Base fees of recent blocks and of the next one, oldest first; `reward` has the tip that the middle of each block paid."""

    base_fee_per_gas: list[str]
    oldest_block: str
    reward: list[list[str]] | None = None


class HeadFeeAnswer(msgspec.Struct, rename="camel", frozen=True):
    """Of the newest block."""

    number: str
    base_fee_per_gas: str | None = None


class KnownTxAnswer(msgspec.Struct, rename="camel", frozen=True):
    hash: str


def quantity(text: str) -> int:
    """A number below 2^256."""
    if not _QUANTITY.fullmatch(text):
        raise NetworkUnreachable("the node answered a malformed number")
    return int(text, 16)


def block_id(text: str) -> str:
    """A block's or tx's hash in lower case."""
    if not is_bytes(text, 32):
        raise NetworkUnreachable("the node answered a malformed hash")
    return text.lower()


def is_bytes(text: str, length: int) -> bool:
    return len(text) == 2 + 2 * length and _BYTES.fullmatch(text) is not None


def at_block(ref_id: str) -> dict[str, str]:
    """A block named by its hash (EIP-1898), so that a reorg between two questions cannot mix two branches."""
    return {"blockHash": ref_id}


def is_failure(error: RpcError) -> bool:
    """The contract itself failed; asking again at the same block gives the same."""
    return error.code == _REVERTED or any(word in error.message.lower() for word in _FAILURES)


def is_state_gone(error: RpcError) -> bool:
    """The node has the block and no longer what the accounts were after it: it keeps the last 128 or so."""
    return any(words in error.message.lower() for words in _STATE_GONE)


def unread(error: RpcError) -> NetworkError:
    """What an error means that answers a question about a block."""
    if any(words in error.message.lower() for words in _GONE) or error.code == -32001:
        return BlockVanished(str(error))
    if is_state_gone(error):
        return NetworkUnreachable(f"the node no longer keeps the state of that block, another one is needed: {error}")
    return NetworkUnreachable(str(error))
