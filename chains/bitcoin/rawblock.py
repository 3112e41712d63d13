"""A block as bytes, verified against the id by which we asked for it, and what of it could be ours.

What this prevents: a deposit that is in no block, or one left out. The id is the hash of the header, and the header commits
to every tx by its Merkle root, so a provider can neither add, drop nor change one. (Whether there is work behind the header:
`headers`.) A block is walked once, over its bytes, and only outputs of our two kinds are taken out: nothing is made of the
others, which are nearly all. Source: Bitcoin Core's serialisation; CVE-2012-2459 for twins.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from chains.bitcoin.headers import HEADER_BYTES, RawHeader, parse_header
from chains.bitcoin.parameters import UNITS_MAX
from chains.bitcoin.rawtx import RawContradicted, RawMalformed, Reader, read_tx

_LONG: Final = 0xFD  # a first byte from here on means that the length follows in 2, 4 or 8 bytes
_P2WPKH_BYTES, _P2TR_BYTES = 22, 34
_WITNESS: Final = b"\x00\x01"


@dataclass(frozen=True, slots=True)
class Made:
    """One output of one of our kinds: P2WPKH or P2TR, with value."""

    tx: str
    index: int
    units: int
    script: bytes
    coinbase: bool


@dataclass(frozen=True, slots=True)
class RawBlock:
    """`made` in the order of the block. `first_script` is what the miner wrote into the coinbase (BIP-34: the height)."""

    header: RawHeader
    first_script: bytes
    made: tuple[Made, ...]
    octets: bytes

    @property
    def id(self) -> str:
        return self.header.id

    @property
    def parent(self) -> str:
        return self.header.parent

    def spent(self) -> frozenset[str]:
        """The outpoints that its txs spend."""
        reader = Reader(self.octets)
        reader.take(HEADER_BYTES)
        txs = [read_tx(reader)[0] for _ in range(reader.count())]
        return frozenset(item.outpoint for raw in txs for item in raw.inputs)


def parse_block(octets: bytes, expected_id: str) -> RawBlock:
    """The block of this id. Raises `RawMalformed` when the bytes are not it, whole and unchanged."""
    header = parse_header(octets[:HEADER_BYTES])
    if header.id != expected_id:
        raise RawContradicted("the block is not the one that was asked for")
    try:
        digests, places = _walk(octets)
    except IndexError as error:
        raise RawMalformed("the bytes end too early") from error
    if _merkle_root(digests) != header.merkle_root:
        raise RawContradicted("the txs of the block are not those that its header commits to")
    made = tuple([_made(octets, digests, place) for place in places])
    return RawBlock(header, _first_script(octets), made, octets)


def _walk(octets: bytes) -> tuple[list[bytes], list[tuple[int, int, int]]]:
    """The hash of each tx, and where outputs of our kinds stand: number of the tx, number of the output, place.
    Raises `IndexError` where the bytes end too early."""
    count, at = _count(octets, HEADER_BYTES)
    digests: list[bytes] = []
    places: list[tuple[int, int, int]] = []
    for number in range(count):
        start, at = at, at + 4
        witness = octets[at : at + 2] == _WITNESS
        body = at = at + 2 if witness else at
        inputs, at = _count(octets, at)
        at = _behind_inputs(octets, at, inputs)
        outputs, at = _count(octets, at)
        at = _behind_outputs(octets, at, outputs, number, places)
        end = at
        if witness:
            at = _behind_witnesses(octets, at, inputs)
        at += 4
        stripped = octets[start : start + 4] + octets[body:end] + octets[at - 4 : at] if witness else octets[start:at]
        digests.append(sha256(sha256(stripped).digest()).digest())
    if at != len(octets):
        raise RawMalformed("the bytes end too early, or there are some behind the end")
    return digests, places


def _count(octets: bytes, at: int) -> tuple[int, int]:
    """A compact size in its only lawful (shortest) form, and the place behind it."""
    first = octets[at]
    if first < _LONG:
        return first, at + 1
    width, smallest = {0xFD: (2, 0xFD), 0xFE: (4, 0x1_0000), 0xFF: (8, 0x1_0000_0000)}[first]
    value = int.from_bytes(octets[at + 1 : at + 1 + width], "little")
    if value < smallest or value > len(octets):
        raise RawMalformed("a length is not written in its shortest form, or longer than all the bytes")
    return value, at + 1 + width


def _behind_inputs(octets: bytes, at: int, count: int) -> int:
    for _ in range(count):
        length = octets[at + 36]
        if length < _LONG:
            at += 41 + length
        else:
            length, at = _count(octets, at + 36)
            at += length + 4
    return at


def _behind_outputs(octets: bytes, at: int, count: int, number: int, places: list[tuple[int, int, int]]) -> int:
    for index in range(count):
        length = octets[at + 8]
        if length == _P2WPKH_BYTES:
            if octets[at + 10] == 20 and octets[at + 9] == 0:
                places.append((number, index, at))
        elif length == _P2TR_BYTES:
            if octets[at + 10] == 32 and octets[at + 9] == 0x51:
                places.append((number, index, at))
        elif length >= _LONG:
            length, at = _count(octets, at + 8)
            at -= 9
        at += 9 + length
    return at


def _behind_witnesses(octets: bytes, at: int, inputs: int) -> int:
    for _ in range(inputs):
        items, at = _count(octets, at)
        for _ in range(items):
            length = octets[at]
            if length < _LONG:
                at += 1 + length
            else:
                length, at = _count(octets, at)
                at += length
    return at


def _made(octets: bytes, digests: list[bytes], place: tuple[int, int, int]) -> Made:
    number, index, at = place
    units = int.from_bytes(octets[at : at + 8], "little")
    if units > UNITS_MAX:
        raise RawMalformed("an output is above all the coins that can exist")
    tx = digests[number][::-1].hex()
    return Made(tx, index, units, octets[at + 9 : at + 9 + octets[at + 8]], coinbase=number == 0)


def _first_script(octets: bytes) -> bytes:
    """Of the first input of the first tx, which the walk has passed over."""
    reader = Reader(octets)
    reader.take(HEADER_BYTES)
    reader.count()
    return read_tx(reader)[0].inputs[0].script


def _merkle_root(level: list[bytes]) -> bytes:
    """An odd level repeats its last hash, so a repeated tx could hide behind the same root: twins are refused."""
    if not level or len(set(level)) != len(level):
        raise RawMalformed("a block holds no tx, or one twice")
    while len(level) > 1:
        if len(level) & 1:
            level = [*level, level[-1]]
        level = [
            sha256(sha256(left + right).digest()).digest() for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]
