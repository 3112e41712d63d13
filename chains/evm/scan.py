"""Reads blocks in order and finds the value that arrived at addresses of ours.

What this prevents: credit for a block that is gone, and a block that was read by half. Blocks are asked for by height and
everything in them by hash, or checked against it, so that a reorg in between shows as `BlockVanished` and never as a
mixture. That it is all there is proven by its header (`block_proof`); what it says is a claim, which `proof` sets
against the balances.

Whether the node can trace calls is found out once, unless the configuration says so; a node that could and cannot any more
is an error, not a reason to see less.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import TypeVar

import msgspec

from chains.ahead import in_order
from chains.evm.block_proof import BlockProofs, Proofs
from chains.evm.claims import BlockClaims, Claim, Holder, check_receipts, paid_addresses, read_claims
from chains.evm.listings import Listings, ledger_amount
from chains.evm.proof import Verdict, prove
from chains.evm.strays import find_strays
from chains.evm.traces import Move, read_moves
from chains.evm.wire import BlockAnswer, ReceiptAnswer, TraceAnswer, block_id, quantity, unread
from chains.rpc.client import JsonRpc, RpcError
from wallet.ids import NetworkId
from wallet.ports import AddressBook, Block, BlockVanished, Incoming, Listing, NetworkUnreachable

WINDOWS_AT_ONCE = 2  # one is asked for while the other is checked
WINDOW_BLOCKS = 4  # read at once; four full mainnet blocks with receipts are some 10 MB
_METHOD_UNKNOWN = -32601
_UNSUPPORTED = (
    *("method not found", "unknown method", "does not exist", "not available", "not supported", "unsupported"),
    *("not enabled", "not allowed", "not whitelisted", "not authorized", "subscription", "plan"),
)  # how nodes and those who sell access to them say that they have no traces for us

_T = TypeVar("_T")


class Scan:
    """Reads one chain. Remembers only what the provider can answer. `traces` None: find out."""

    def __init__(
        self,
        rpc: JsonRpc,
        *,
        network: NetworkId,
        chain_id: int,
        listings: Listings,
        book: AddressBook,
        traces: bool | None = None,
        proofs: Proofs = Proofs.WHERE_POSSIBLE,
    ) -> None:
        self._rpc = rpc
        self.proofs = BlockProofs(rpc, proofs)
        self._network = network
        self._chain_id = chain_id
        self._listings = listings
        self._book = book
        self._block_receipts = True
        self._traces = traces

    async def has_traces(self) -> bool:
        """Does the provider tell what contracts move. Asked once. Raises the network's errors."""
        if self._traces is None:
            self._traces = await knows_traces(self._rpc)
        return self._traces

    def carry(self, listings: Listings) -> None:
        """The blocks from the next window on are read with these."""
        self._listings = listings

    async def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        """As `wallet.ports.Network.blocks`. Raises `BlockVanished` where the branch changes under our hands."""
        windows = [
            partial(self._window, range(first, min(first + WINDOW_BLOCKS, stop + 1)))
            for first in range(start, stop + 1, WINDOW_BLOCKS)
        ]
        async with aclosing(in_order(windows, WINDOWS_AT_ONCE)) as read:
            async for window in read:
                for block in window:
                    yield block

    async def _window(self, heights: range) -> list[Block]:
        answers = await read_blocks(self._rpc, heights)
        receipts = await self._receipts(answers)
        moves = await self._moves(answers)
        read = list(zip(answers, receipts, moves, strict=True))
        canonical = await self._ours(set[str]().union(*(paid_addresses(*one) for one in read)))
        ours = [read_claims(self._chain_id, self._listings, *one, canonical.keys()) for one in read]
        for answer, part, one in zip(answers, receipts, ours, strict=True):
            await self.proofs.check(answer, part, self._listings.tokens, claimed=bool(one.claims))
        verdicts = await prove(self._rpc, self._listings, ours)
        return [await self._block(one, verdict, canonical) for one, verdict in zip(ours, verdicts, strict=True)]

    async def _ours(self, written: Collection[str]) -> Mapping[str, str]:
        """Which of these addresses we handed out: the canonical form by the one in lower case."""
        return {address.lower(): address for address in await self._book.known(self._network, written)}

    async def _moves(self, blocks: Sequence[BlockAnswer]) -> list[list[tuple[Move, ...]]]:
        """Block by block: the traces of one can be as large as four blocks with their receipts."""
        if not await self.has_traces():
            return [[()] * len(block.transactions) for block in blocks]
        return [await read_block_moves(self._rpc, block) for block in blocks]

    async def _receipts(self, blocks: Sequence[BlockAnswer]) -> list[list[ReceiptAnswer]]:
        """Asked for blocks without txs as well: a provider that shows half of a block is then found out."""
        receipts = await self._read_receipts(blocks)
        for block, part in zip(blocks, receipts, strict=True):
            check_receipts(block, part)
        return receipts

    async def _read_receipts(self, blocks: Sequence[BlockAnswer]) -> list[list[ReceiptAnswer]]:
        if self._block_receipts:
            try:
                return await read_block_receipts(self._rpc, blocks)
            except RpcError as error:
                if error.code != _METHOD_UNKNOWN:
                    raise unread(error) from error
                self._block_receipts = False
        return [await read_tx_receipts(self._rpc, block) for block in blocks]

    async def _block(
        self, found: BlockClaims, verdicts: Mapping[Holder, Verdict], canonical: Mapping[str, str]
    ) -> Block:
        block = found.block
        strays, beyond = await find_strays(self._rpc, found, canonical) if found.unlisted else ((), 0)
        return Block(
            height=quantity(block.number),
            id=block_id(block.hash),
            parent=block_id(block.parent_hash),
            at=read_time(block.timestamp),
            incoming=tuple(
                self._incoming(claim, verdicts[claim.holder], canonical[claim.address]) for claim in found.claims
            ),
            strays=strays,
            strays_beyond=beyond,
        )

    def _incoming(self, claim: Claim, verdict: Verdict, address: str) -> Incoming:
        amount, doubt = ledger_amount(claim.units - verdict.missing, self._listing(claim.contract))
        return Incoming(claim.identity, address, amount, claim.tx, doubt=verdict.doubt or doubt)

    def _listing(self, contract: str | None) -> Listing:
        return self._listings.native if contract is None else self._listings.tokens[contract]


async def read_blocks(rpc: JsonRpc, heights: range) -> list[BlockAnswer]:
    """The blocks now at these heights, each the child of the one before. Raises `BlockVanished` for one that is missing."""
    answers = await rpc.batch_find([("eth_getBlockByNumber", [hex(height), True]) for height in heights], BlockAnswer)
    blocks = [answer for answer in answers if answer is not None]
    if len(blocks) != len(heights):
        raise BlockVanished(f"the chain ends before block {heights[-1]}")
    if [quantity(block.number) for block in blocks] != list(heights):
        raise NetworkUnreachable("the node answered with blocks of other heights")
    for parent, child in pairwise(blocks):
        if block_id(child.parent_hash) != block_id(parent.hash):
            raise BlockVanished(f"block {quantity(child.number)} is not the child of the block before it")
    return blocks


async def read_block_receipts(rpc: JsonRpc, blocks: Sequence[BlockAnswer]) -> list[list[ReceiptAnswer]]:
    calls = [("eth_getBlockReceipts", [block.hash]) for block in blocks]
    answers = await rpc.batch_find(calls, list[ReceiptAnswer])
    return [_present(answer) for answer in answers]


async def read_tx_receipts(rpc: JsonRpc, block: BlockAnswer) -> list[ReceiptAnswer]:
    """The same, one by one, for providers that do not know eth_getBlockReceipts."""
    calls = [("eth_getTransactionReceipt", [tx.hash]) for tx in block.transactions]
    return [_present(answer) for answer in await rpc.batch_find(calls, ReceiptAnswer)]


async def read_block_moves(rpc: JsonRpc, block: BlockAnswer) -> list[tuple[Move, ...]]:
    """Named by height, since few nodes take a hash here; the answer names the block that it is of."""
    if not block.transactions:
        return []
    try:
        traces = await rpc.call("trace_block", [block.number], list[TraceAnswer])
    except RpcError as error:
        raise unread(error) from error
    return read_moves(block, traces)


async def knows_traces(rpc: JsonRpc) -> bool:
    """A node without them says so. Raises `NetworkUnreachable` for every other error: it decides nothing."""
    try:
        await rpc.call("trace_block", ["latest"], msgspec.Raw)
    except RpcError as error:
        if error.code == _METHOD_UNKNOWN or any(words in error.message.lower() for words in _UNSUPPORTED):
            return False
        raise unread(error) from error
    return True


def read_time(timestamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(quantity(timestamp), tz=UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NetworkUnreachable("the node answered an impossible time") from error


def _present(answer: _T | None) -> _T:
    if answer is None:
        raise BlockVanished("the node has no receipts for a block that it just showed")
    return answer
