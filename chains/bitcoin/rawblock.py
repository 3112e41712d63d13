"""A Bitcoin block as bytes, verified against the id by which we asked for it.

What this prevents: a deposit that is in no block, or one left out. The id is the hash of the header, and the header commits
to every tx by its Merkle root, so a provider can neither add, drop nor change one. (It could still invent a whole chain:
one provider is trusted for the work behind its headers.) Source: Bitcoin Core's serialisation; CVE-2012-2459 for twins.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from chains.bitcoin.rawtx import RawMalformed, RawTx, Reader, hash256, read_tx

HEADER_BYTES = 80


@dataclass(frozen=True, slots=True)
class BlockTx:
    """A tx of a block with its id, which hashing found on the way."""

    tx: str
    raw: RawTx


@dataclass(frozen=True, slots=True)
class RawBlock:
    """`at` is the miner's claim: it may be off by up to two hours."""

    id: str
    parent: str
    at: datetime
    txs: tuple[BlockTx, ...]


def parse_block(octets: bytes, expected_id: str) -> RawBlock:
    """The block of this id. Raises `RawMalformed` when the bytes are not it, whole and unchanged."""
    reader = Reader(octets)
    header = reader.take(HEADER_BYTES)
    if hash256(header)[::-1].hex() != expected_id:
        raise RawMalformed("the block is not the one that was asked for")
    hashed = [_hashed(read_tx(reader)) for _ in range(reader.count())]
    reader.finish()
    if _merkle_root([digest for digest, _ in hashed]) != header[36:68]:
        raise RawMalformed("the txs of the block are not those that its header commits to")
    return RawBlock(
        id=expected_id,
        parent=header[4:36][::-1].hex(),
        at=datetime.fromtimestamp(int.from_bytes(header[68:72], "little"), UTC),
        txs=tuple([BlockTx(digest[::-1].hex(), raw) for digest, raw in hashed]),
    )


def _hashed(read: tuple[RawTx, bytes]) -> tuple[bytes, RawTx]:
    raw, stripped = read
    return hash256(stripped), raw


def _merkle_root(level: list[bytes]) -> bytes:
    """An odd level repeats its last hash, so a repeated tx could hide behind the same root: twins are refused."""
    if not level or len(set(level)) != len(level):
        raise RawMalformed("a block holds no tx, or one twice")
    while len(level) > 1:
        if len(level) % 2:
            level = [*level, level[-1]]
        level = [hash256(level[place] + level[place + 1]) for place in range(0, len(level), 2)]
    return level[0]
