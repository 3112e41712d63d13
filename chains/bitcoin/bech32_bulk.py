"""The addresses of a whole block's outputs at once: the same text as `bech32` makes, some ten times as fast.

A block has thousands of outputs of our kinds and nearly all are nobody's here, so that writing them down one by one would cost
more than reading the block. Here each step is done to all of them together, in whole byte strings: bits are spread by masks
over one large number, and the checksum, which is linear over bits (BIP-173), is the exclusive or of one table look-up for each
byte of the program.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from chains.bitcoin.bech32 import BECH32, BECH32M, LETTERS, polymod, prefix_state

_KINDS: Final = ((22, 0, BECH32), (34, 1, BECH32M))  # length of the script, witness version, which checksum
_CHECKSUM_LETTERS: Final = 6
_SUM_BYTES: Final = 4  # 30 bits of checksum, at the upper end
_GROUP_BYTES, _GROUP_LETTERS = 5, 8  # 40 bits either way
_TO_LETTERS: Final = bytes([ord(LETTERS[value]) if value < 32 else 0 for value in range(256)])


def addresses_of(scripts: Sequence[bytes], prefix: str) -> list[str]:
    """Of P2WPKH and P2TR scripts, which the caller vouches for, in their order."""
    found = [""] * len(scripts)
    for length, version, constant in _KINDS:
        places = [place for place, script in enumerate(scripts) if len(script) == length]
        programs = b"".join([scripts[place][2:] for place in places])
        for place, address in zip(places, _addresses(programs, length - 2, prefix, version, constant), strict=True):
            found[place] = address
    return found


def _addresses(programs: bytes, size: int, prefix: str, version: int, constant: int) -> list[str]:
    """`programs` are of `size` bytes each, one behind the other."""
    count = len(programs) // size
    head = f"{prefix}1{LETTERS[version]}"
    letters, width = _letters(programs, size)
    used = -(-size * 8 // _GROUP_BYTES)
    sums, sum_width = _letters(_checksums(programs, size, prefix, version, constant), _SUM_BYTES)
    return [
        head
        + letters[place * width : place * width + used]
        + sums[place * sum_width : place * sum_width + _CHECKSUM_LETTERS]
        for place in range(count)
    ]


def _letters(octets: bytes, size: int) -> tuple[str, int]:
    """Each string of `size` bytes as letters of five bits, and how many letters there are of each: filled up to groups."""
    groups = -(-size // _GROUP_BYTES)
    width = groups * _GROUP_LETTERS
    count = len(octets) // size
    spread = bytearray(count * width)  # eight bytes for each group, of which the last five are filled
    for place in range(size):
        group, within = divmod(place, _GROUP_BYTES)
        spread[group * _GROUP_LETTERS + 3 + within :: width] = octets[place::size]
    bits = int.from_bytes(spread, "big")
    for lane, upper, lower, shift in ((8, 0xFFFFF00000, 0xFFFFF, 12), (4, 0xFFC00, 0x3FF, 6), (2, 0x3E0, 0x1F, 3)):
        lanes = len(spread) // lane
        bits = (bits & _mask(upper, lane, lanes)) << shift | bits & _mask(lower, lane, lanes)
    return bits.to_bytes(len(spread), "big").translate(_TO_LETTERS).decode("ascii"), width


def _mask(word: int, lane: int, lanes: int) -> int:
    return int.from_bytes(word.to_bytes(lane, "big") * lanes, "big")


def _checksums(programs: bytes, size: int, prefix: str, version: int, constant: int) -> bytes:
    """Four bytes for each program: what its bytes add, and what prefix and version add to all."""
    count = len(programs) // size
    letters = -(-size * 8 // _GROUP_BYTES)
    base = polymod([version, *[0] * (letters + _CHECKSUM_LETTERS)], prefix_state(prefix)) ^ constant
    sums = bytearray(count * _SUM_BYTES)
    columns = [programs[place::size] for place in range(size)]
    for byte, whole in enumerate(_upper(base)):
        total = int.from_bytes(bytes([whole]) * count, "big")
        for column, tables in zip(columns, _tables(size), strict=True):
            total ^= int.from_bytes(column.translate(tables[byte]), "big")
        sums[byte::_SUM_BYTES] = total.to_bytes(count, "big")
    return bytes(sums)


@lru_cache(maxsize=4)
def _tables(size: int) -> list[list[bytes]]:
    """For each byte of a program and each of the checksum: what every value of the first adds to the second."""
    letters = -(-size * 8 // _GROUP_BYTES)
    tables = []
    for place in range(size):
        added = [
            _upper(polymod([*_fives(value, place, size, letters), *[0] * _CHECKSUM_LETTERS], 0)) for value in range(256)
        ]
        tables.append([bytes(column) for column in zip(*added, strict=True)])
    return tables


def _fives(value: int, place: int, size: int, letters: int) -> list[int]:
    """A program of zeros but for one byte, as numbers of five bits."""
    bits = value << 8 * (size - 1 - place) << (letters * 5 - size * 8)
    return [bits >> 5 * (letters - 1 - letter) & 31 for letter in range(letters)]


def _upper(checksum: int) -> bytes:
    return (checksum << 2).to_bytes(_SUM_BYTES, "big")
