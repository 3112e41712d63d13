"""Reads blocks in order and finds the value that arrived at addresses of ours.

What this prevents: credit for a tx that failed, for a log behind which nothing moved, or for a block that is gone.
Blocks are asked for by height and everything in them by hash, so that a reorg in between shows as `BlockVanished` and
never as a mixture. A token's log is a claim: its address's balance must have grown, from the parent block to this one,
by exactly what the logs say; what leaves an address of ours counts only in a tx that the address itself sent. And the
contract must still count in the decimals it was listed with, or nobody knows how much that is.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

from chains.evm.claims import BlockClaims, Claim, Holder, check_receipts, read_claims
from chains.evm.listings import Listings, ledger_amount
from chains.evm.token import DECIMALS_CALL, balance_call, parse_word
from chains.evm.wire import BlockAnswer, ReceiptAnswer, at_block, block_id, is_failure, quantity, unread
from chains.rpc import Call, JsonRpc, RpcError
from wallet.ids import NetworkId
from wallet.ports import AddressBook, Block, BlockVanished, Incoming, Listing, NetworkUnreachable

WINDOW_BLOCKS = 4  # read at once; four full mainnet blocks with receipts are some 10 MB
DOUBT_BALANCE = "balance_disagrees"
DOUBT_UNREADABLE = "balance_unreadable"
DOUBT_DECIMALS = "decimals_changed"
_METHOD_UNKNOWN = -32601
_CALLS = 3  # for each holder

_T = TypeVar("_T")


class Scan:
    """Reads one chain. Remembers only whether the provider knows eth_getBlockReceipts."""

    def __init__(
        self, rpc: JsonRpc, *, network: NetworkId, chain_id: int, listings: Listings, book: AddressBook
    ) -> None:
        self._rpc = rpc
        self._network = network
        self._chain_id = chain_id
        self._listings = listings
        self._book = book
        self._block_receipts = True

    async def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        """As `wallet.ports.Network.blocks`. Raises `BlockVanished` where the branch changes under our hands."""
        for first in range(start, stop + 1, WINDOW_BLOCKS):
            for block in await self._window(range(first, min(first + WINDOW_BLOCKS, stop + 1))):
                yield block

    async def _window(self, heights: range) -> list[Block]:
        answers = await read_blocks(self._rpc, heights)
        receipts = await self._receipts(answers)
        found = [
            read_claims(self._chain_id, self._listings, answer, part)
            for answer, part in zip(answers, receipts, strict=True)
        ]
        known = await self._book.known(self._network, {claim.address for one in found for claim in one.claims})
        ours = [replace(one, claims=tuple(claim for claim in one.claims if claim.address in known)) for one in found]
        doubts = await self._doubts(ours)
        return [self._block(one, doubt) for one, doubt in zip(ours, doubts, strict=True)]

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

    async def _doubts(self, found: Sequence[BlockClaims]) -> list[dict[Holder, str]]:
        """Per block, the holders whose balance did not grow as the logs claim, or is counted in other decimals by now."""
        holders = [sorted({(c.contract, c.address) for c in one.claims if c.contract is not None}) for one in found]
        calls = [
            call
            for one, part in zip(found, holders, strict=True)
            for contract, address in part
            for call in _holder_calls(one.block, contract, address)
        ]
        numbers = iter(await self._numbers(calls))
        return [
            {
                holder: doubt
                for holder in part
                if (doubt := self._judge(holder, [next(numbers) for _ in range(_CALLS)], one.moved[holder])) is not None
            }
            for one, part in zip(found, holders, strict=True)
        ]

    def _judge(self, holder: Holder, numbers: Sequence[int | None], moved: int) -> str | None:
        before, after, decimals = numbers
        if before is None or after is None:
            return DOUBT_UNREADABLE
        if after - before != moved:
            return DOUBT_BALANCE
        return None if decimals == self._listing(holder[0]).decimals else DOUBT_DECIMALS

    async def _numbers(self, calls: Sequence[Call]) -> list[int | None]:
        """None where the contract itself failed to tell."""
        answers = await self._rpc.batch_outcomes(calls, str)
        for answer in answers:
            if isinstance(answer, RpcError) and not is_failure(answer):
                raise unread(answer)
        return [None if isinstance(answer, RpcError) else parse_word(answer) for answer in answers]

    def _block(self, found: BlockClaims, doubts: dict[Holder, str]) -> Block:
        block = found.block
        return Block(
            height=quantity(block.number),
            id=block_id(block.hash),
            parent=block_id(block.parent_hash),
            at=read_time(block.timestamp),
            incoming=tuple(self._incoming(claim, doubts) for claim in found.claims),
        )

    def _incoming(self, claim: Claim, doubts: dict[Holder, str]) -> Incoming:
        amount, doubt = ledger_amount(claim.units, self._listing(claim.contract))
        disagreement = doubts.get((claim.contract, claim.address)) if claim.contract is not None else None
        return Incoming(claim.identity, claim.address, amount, claim.tx, doubt=disagreement or doubt)

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


def read_time(timestamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(quantity(timestamp), tz=UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NetworkUnreachable("the node answered an impossible time") from error


def _present(answer: _T | None) -> _T:
    if answer is None:
        raise BlockVanished("the node has no receipts for a block that it just showed")
    return answer


def _holder_calls(block: BlockAnswer, contract: str, address: str) -> list[Call]:
    """The balance before and after, and what it is counted in."""
    call, at_end = balance_call(contract, address), at_block(block.hash)
    decimals = {"to": contract, "data": DECIMALS_CALL}
    return [
        ("eth_call", [call, at_block(block.parent_hash)]),
        ("eth_call", [call, at_end]),
        ("eth_call", [decimals, at_end]),
    ]
