"""Proves that a block's receipts are all of them and unchanged: they hash to the root in its header, and the header to its id.

What this prevents: a log that one provider leaves out now and then, or slips in. The id of a block is the hash of its header;
the header holds the root of the receipts and a bloom filter of all addresses and topics of their logs (yellow paper,
sections 4.3.2 to 4.3.4; EIP-2718, EIP-1559, EIP-4895, EIP-4844, EIP-4788, EIP-7685). Where the filter rules out every token of
ours and nothing was claimed, there is nothing to leave out, and the receipts are not hashed.

What cannot be checked says so: a header or a tx of a kind that this version does not know is no lie.
"""

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec
import structlog
from eth_hash.auto import keccak

from chains.evm.rlp import encode, encode_quantity
from chains.evm.trie import trie_root
from chains.evm.wire import BlockAnswer, LogAnswer, ReceiptAnswer, quantity
from chains.rpc.client import JsonRpc
from wallet.ports import BlockVanished, NetworkUnreachable

BLOOM_BYTES: Final = 256
_TYPES_KNOWN: Final = range(5)  # legacy, EIP-2930, EIP-1559, EIP-4844, EIP-7702
_NUMBERS: Final = ("difficulty", "number", "gas_limit", "gas_used", "timestamp")
_ALWAYS: Final = (
    *("parent_hash", "sha3_uncles", "miner", "state_root", "transactions_root", "receipts_root", "logs_bloom"),
    *(*_NUMBERS, "extra_data", "mix_hash", "nonce"),
)
_BY_FORK: Final = (
    *("base_fee_per_gas", "withdrawals_root", "blob_gas_used", "excess_blob_gas", "parent_beacon_block_root"),
    "requests_hash",
)
"""In the order of the forks that added them: what is there is there up to one of them, without gaps."""
_QUANTITIES: Final = frozenset({*_NUMBERS, "base_fee_per_gas", "blob_gas_used", "excess_blob_gas"})
_BESIDES: Final = frozenset({"hash", "size", "totalDifficulty", "transactions", "uncles", "withdrawals"})

_log = structlog.get_logger("chains.evm")


class Proofs(StrEnum):
    """What is asked of a provider: that every block can be proven; that what can be is; nothing."""

    REQUIRED = "required"
    WHERE_POSSIBLE = "where_possible"
    OFF = "off"


class Unproven(Exception):
    """Why a block cannot be checked: it is of a kind that this version does not know."""


class BlockProofs:
    """Checks a provider's blocks as far as `wanted`. Remembers why the last one could not be checked, for operators."""

    def __init__(self, rpc: JsonRpc, wanted: Proofs) -> None:
        self._rpc = rpc
        self._wanted = wanted
        self.unproven: str | None = None

    async def check(
        self, block: BlockAnswer, receipts: Sequence[ReceiptAnswer], tokens: Mapping[str, object], *, claimed: bool
    ) -> None:
        """`tokens` by contract; `claimed`: something arrived at an address of ours, by these receipts. Raises
        `NetworkUnreachable` for a block that is not what its id says, and for one that cannot be checked but must be."""
        if self._wanted is Proofs.OFF:
            return
        try:
            await check_header(self._rpc, block)
            if claimed or may_hold(block, tuple(tokens)):
                await asyncio.to_thread(check_receipts_root, block, receipts)  # 10 ms for 500 txs
            self.unproven = None
        except Unproven as reason:
            if self.unproven is None:
                _log.warning(
                    "blocks_not_verified", host=self._rpc.host, height=quantity(block.number), reason=str(reason)
                )
            self.unproven = str(reason)
            if self._wanted is Proofs.REQUIRED:
                raise NetworkUnreachable(f"block {quantity(block.number)} cannot be verified: {reason}") from reason


def header_hash(block: BlockAnswer) -> str:
    """The id that the header's fields hash to. Raises `Unproven` where one that always was there is missing."""
    fields = [_field(block, name) for name in _ALWAYS]
    for name in _BY_FORK:
        if getattr(block, name) is None:
            break
        fields.append(_field(block, name))
    return "0x" + keccak(encode(fields)).hex()


def receipts_root(receipts: Sequence[ReceiptAnswer]) -> str:
    """Of receipts with the bloom filters that they tell, which the root commits to as to everything else. Raises `Unproven`
    for a tx of a type that is not known."""
    return "0x" + trie_root([_receipt(receipt) for receipt in receipts]).hex()


def may_hold(block: BlockAnswer, addresses: Sequence[str]) -> bool:
    """False if no log of the block is of one of these contracts; true if one may be."""
    bloom = int.from_bytes(_octets(block.logs_bloom or "", BLOOM_BYTES), "big")
    return any(bloom & mask == mask for mask in map(_bloom_mask, addresses))


async def check_header(rpc: JsonRpc, block: BlockAnswer) -> None:
    """Raises `Unproven` where the header has fields that are not known, `NetworkUnreachable` where it has not and hashes to
    something else."""
    if header_hash(block) == block.hash.lower():
        return
    found = await rpc.find("eth_getBlockByHash", [block.hash, False], dict[str, msgspec.Raw])
    if found is None:
        raise BlockVanished("a block is gone that was there a moment ago")
    known = {field.encode_name for field in msgspec.structs.fields(BlockAnswer)} | _BESIDES
    if strange := sorted(found.keys() - known):
        raise Unproven(f"its header has fields that are not known: {', '.join(name[:40] for name in strange[:5])}")
    raise NetworkUnreachable("the header of a block does not hash to its id")


def check_receipts_root(block: BlockAnswer, receipts: Sequence[ReceiptAnswer]) -> None:
    """Raises `NetworkUnreachable` for receipts that are not all of the block's, or not as they are; `Unproven`."""
    if receipts_root(receipts) != (block.receipts_root or "").lower():
        raise NetworkUnreachable("the receipts of a block do not hash to the root in its header")


def _field(block: BlockAnswer, name: str) -> bytes:
    text = getattr(block, name)
    if text is None:
        raise Unproven(f"its header has no {name}")
    return encode_quantity(quantity(text)) if name in _QUANTITIES else _octets(text)


def _receipt(receipt: ReceiptAnswer) -> bytes:
    """EIP-2718 and the yellow paper: status, gas used up to here, bloom, logs; after its type."""
    kind = quantity(receipt.type)
    if kind not in _TYPES_KNOWN:
        raise Unproven(f"it holds a tx of type {kind}")
    body = encode(
        (
            encode_quantity(quantity(receipt.status)),
            encode_quantity(quantity(receipt.cumulative_gas_used or "")),
            _octets(receipt.logs_bloom or "", BLOOM_BYTES),
            [_log_item(log) for log in receipt.logs],
        )
    )
    return body if kind == 0 else bytes([kind]) + body


def _log_item(log: LogAnswer) -> list[bytes | list[bytes]]:
    return [_octets(log.address, 20), [_octets(topic, 32) for topic in log.topics], _octets(log.data)]


@lru_cache(maxsize=1 << 16)
def _bloom_mask(text: str) -> int:
    """Three bits of 2,048, from the first three pairs of octets of the hash (yellow paper, equation 27)."""
    digest = keccak(_octets(text.lower()))
    mask = 0
    for place in (0, 2, 4):
        mask |= 1 << (int.from_bytes(digest[place : place + 2], "big") & 2047)
    return mask


def _octets(text: str, length: int | None = None) -> bytes:
    """Raises `NetworkUnreachable` for what is no hexadecimal text of so many octets."""
    try:
        octets = bytes.fromhex(text[2:])
    except ValueError:
        octets = b""
    if len(text) != 2 + 2 * len(octets) or text[:2] != "0x" or length not in (None, len(octets)):
        raise NetworkUnreachable("the node answered malformed octets")
    return octets
