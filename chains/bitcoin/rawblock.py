"""A block as bytes, verified against the id by which we asked for it, and what of it could be ours.

What this prevents: a deposit that is in no block, or one left out. The id is the hash of the header, and the header commits
to every tx by its Merkle root, so a provider can neither add, drop nor change one. (Whether there is work behind the header:
`headers`.) A block is walked once, over its bytes; where outputs of our two kinds stand is noted, and something is made only of
those that prove to be ours. Source: Bitcoin Core's serialisation; CVE-2012-2459 for twins.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from chains.bitcoin.headers import HEADER_BYTES, RawHeader, parse_header
from chains.bitcoin.parameters import UNITS_MAX
from chains.bitcoin.rawtx import RawContradicted, RawMalformed, Reader, read_tx

_LONG: Final = 0xFD  # a first byte from here on means that the length follows in 2, 4 or 8 bytes
_P2WPKH_BYTES, _P2TR_BYTES = 22, 34


@dataclass(frozen=True, slots=True)
class Made:
    """One output of one of our kinds, P2WPKH or P2TR."""

    tx: str
    index: int
    units: int
    coinbase: bool


@dataclass(frozen=True, slots=True)
class RawBlock:
    """`first_script` is what the miner wrote into the coinbase (BIP-34: the height). `digests` are the hashes of its txs,
    `places` where outputs of our kinds stand, in the order of the block: number of the tx, number of the output, place."""

    header: RawHeader
    first_script: bytes
    octets: bytes
    digests: list[bytes]
    places: list[tuple[int, int, int]]

    @property
    def id(self) -> str:
        return self.header.id

    @property
    def parent(self) -> str:
        return self.header.parent

    def scripts(self) -> list[bytes]:
        """Of the outputs of our kinds."""
        octets = self.octets
        return [octets[at + 9 : at + 9 + octets[at + 8]] for _, _, at in self.places]

    def made(self, place: int) -> Made:
        """The output of our kinds at this place of `scripts`. Raises `RawMalformed` for more value than can exist."""
        number, index, at = self.places[place]
        units = int.from_bytes(self.octets[at : at + 8], "little")
        if units > UNITS_MAX:
            raise RawMalformed("an output is above all the coins that can exist")
        return Made(self.digests[number][::-1].hex(), index, units, coinbase=number == 0)

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
    return RawBlock(header, _first_script(octets), octets, digests, places)


def _walk(octets: bytes) -> tuple[list[bytes], list[tuple[int, int, int]]]:  # noqa: C901, PLR0912
    """The hash of each tx, and where outputs of our kinds stand. Raises `IndexError` where the bytes end too early.

    In one piece, for a block has tens of thousands of items and a call for each would cost as much as all the rest. Lengths
    are nearly always one byte; `_long` reads the others.
    """
    digests: list[bytes] = []
    places: list[tuple[int, int, int]] = []
    note, hashed = places.append, digests.append
    count, at = octets[HEADER_BYTES], HEADER_BYTES
    if count >= _LONG:
        count, at = _long(octets, at)
    at += 1
    for number in range(count):
        start = at
        body = at = at + 4 if octets[at + 4] else _behind_marker(octets, at + 4)
        inputs = octets[at]
        if inputs >= _LONG:
            inputs, at = _long(octets, at)
        at += 1
        for _ in range(inputs):
            length = octets[at + 36]
            if length >= _LONG:
                length, at = _long(octets, at, 36)
            at += 41 + length
        outputs = octets[at]
        if outputs >= _LONG:
            outputs, at = _long(octets, at)
        at += 1
        for index in range(outputs):
            length = octets[at + 8]
            if length == _P2WPKH_BYTES:
                if octets[at + 10] == 20 and octets[at + 9] == 0:
                    note((number, index, at))
            elif length == _P2TR_BYTES:
                if octets[at + 10] == 32 and octets[at + 9] == 0x51:
                    note((number, index, at))
            elif length >= _LONG:
                length, at = _long(octets, at, 8)
            at += 9 + length
        if body - start == 4:
            at += 4
            stripped = octets[start:at]
        else:
            end, at = at, _behind_witnesses(octets, at, inputs) + 4
            stripped = octets[start : start + 4] + octets[body:end] + octets[at - 4 : at]
        hashed(sha256(sha256(stripped).digest()).digest())
    if at != len(octets):
        raise RawMalformed("the bytes end too early, or there are some behind the end")
    return digests, places


def _behind_witnesses(octets: bytes, at: int, inputs: int) -> int:
    for _ in range(inputs):
        items = octets[at]
        if items == 2:  # a signature and a key: nearly all
            one = octets[at + 1]
            if one < _LONG:
                two = octets[at + 2 + one]
                if two < _LONG:
                    at += 3 + one + two
                    continue
        if items >= _LONG:
            items, at = _long(octets, at)
        at += 1
        for _ in range(items):
            length = octets[at]
            if length >= _LONG:
                length, at = _long(octets, at)
            at += 1 + length
    return at


def _behind_marker(octets: bytes, at: int) -> int:
    """A tx with witnesses has a zero where others count their inputs, and then a one (BIP-144)."""
    if octets[at + 1] != 1:
        raise RawMalformed("a tx has no inputs, or is of a form that nobody has told us of")
    return at + 2


def _long(octets: bytes, at: int, offset: int = 0) -> tuple[int, int]:
    """A compact size of more than one byte, `offset` behind `at`, in its only lawful (shortest) form; and `at`, moved on by as
    many bytes as it has beyond one."""
    place = at + offset
    width, smallest = {0xFD: (2, 0xFD), 0xFE: (4, 0x1_0000), 0xFF: (8, 0x1_0000_0000)}[octets[place]]
    value = int.from_bytes(octets[place + 1 : place + 1 + width], "little")
    if value < smallest or value > len(octets):
        raise RawMalformed("a length is not written in its shortest form, or longer than all the bytes")
    return value, at + width


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
