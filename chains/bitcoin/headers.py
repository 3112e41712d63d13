"""Headers of 80 bytes, and whether there is the work behind one that its chain asks for.

What this prevents: a chain that a lying node has invented. Every header that is read must hash below its own target; the target
must be what the chain's rules make of the headers before it; and on a chain with real work none may be easier than it has been
for years. A forger must then do the same work as the miners. Sources: Bitcoin Core's pow.cpp and chainparams.cpp; BIP-34 for
the height in the coinbase.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from chains.bitcoin.parameters import Chain, Work
from chains.bitcoin.rawtx import RawMalformed, hash256

HEADER_BYTES: Final = 80
_HASH_BITS: Final = 256
_OP_1_LESS_1: Final = 0x50


class HeaderUnproven(ValueError):
    """A header that its chain's rules do not allow. Whoever sent it serves another chain, or lies."""


@dataclass(frozen=True, slots=True)
class RawHeader:
    """`time_s` is the miner's claim in Unix seconds: it may be off by up to two hours. `bits` is the target, compressed."""

    id: str
    parent: str
    merkle_root: bytes
    time_s: int
    bits: int
    octets: bytes

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.time_s, UTC)


def parse_header(octets: bytes) -> RawHeader:
    """Raises `RawMalformed` unless there are exactly 80 bytes."""
    if len(octets) != HEADER_BYTES:
        raise RawMalformed("the bytes end too early: a header has 80")
    return RawHeader(
        id=hash256(octets)[::-1].hex(),
        parent=octets[4:36][::-1].hex(),
        merkle_root=octets[36:68],
        time_s=int.from_bytes(octets[68:72], "little"),
        bits=int.from_bytes(octets[72:76], "little"),
        octets=octets,
    )


def target_of(bits: int) -> int:
    """Raises `HeaderUnproven` for bits that name no target: negative, nothing, or more than a hash can be."""
    size, word = bits >> 24, bits & 0x007F_FFFF
    target = word >> 8 * (3 - size) if size <= 3 else word << 8 * (size - 3)
    if bits & 0x0080_0000 or not target or target >> _HASH_BITS:
        raise HeaderUnproven("a header's target is none")
    return target


def bits_of(target: int) -> int:
    """The compressed form, which drops all but the first three bytes."""
    size = (target.bit_length() + 7) >> 3
    word = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if word & 0x0080_0000:
        word, size = word >> 8, size + 1
    return size << 24 | word


def check_work(header: RawHeader, chain: Chain) -> None:
    """By itself: its hash is below its target, and its target is not easier than the chain allows. Raises `HeaderUnproven`."""
    target = target_of(header.bits)
    if target > target_of(chain.easiest_bits):
        raise HeaderUnproven("a header asks for less work than its chain allows")
    if int.from_bytes(_work_hash(header, chain.work), "little") > target:
        raise HeaderUnproven("there is not the work behind a header that it claims")


def _work_hash(header: RawHeader, work: Work) -> bytes:
    if work is Work.SCRYPT:
        return hashlib.scrypt(header.octets, salt=header.octets, n=1024, r=1, p=1, dklen=32)
    return hash256(header.octets)


def check_target(header: RawHeader, height: int, parent: RawHeader, first: RawHeader, chain: Chain) -> None:
    """Its target is what the chain's rules make of the headers before it; `first` is the header from which the period's time is
    taken and counts only where a new period begins. Raises `HeaderUnproven`."""
    rule = chain.retarget
    if rule is None:
        return
    expected = parent.bits
    if height % rule.blocks == 0:
        passed = min(max(parent.time_s - first.time_s, rule.seconds >> 2), rule.seconds << 2)
        target = target_of(parent.bits) * passed // rule.seconds
        expected = bits_of(min(target, target_of(rule.limit_bits)))
    if header.bits != expected:
        raise HeaderUnproven(f"the header at height {height} has another target than the chain's rules give it")


def check_height(first_script: bytes, height: int, chain: Chain) -> None:
    """The miner has written the height into the coinbase (BIP-34), so a node cannot pass a block off at another one."""
    if height >= chain.height_written_from and not first_script.startswith(_pushed(height)):
        raise HeaderUnproven(f"the block that was sent for height {height} was made for another one")


def _pushed(height: int) -> bytes:
    """A number as scripts push it: small ones have codes of their own."""
    if height <= 16:
        return bytes([_OP_1_LESS_1 + height]) if height else b"\x00"
    number = height.to_bytes((height.bit_length() >> 3) + 1, "little")  # with room for the sign
    return bytes([len(number)]) + number
