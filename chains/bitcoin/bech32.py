"""Segwit addresses as text: bech32 for version 0, bech32m for every later one.

What this prevents: paying to a mistyped or foreign address. Source: BIP-173 and BIP-350, with their published vectors as
tests. Written for speed on the scanner's side, where each output of a block that could be ours becomes an address once.
"""

from functools import lru_cache
from typing import Final

LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final = {letter: value for value, letter in enumerate(LETTERS)}
BECH32: Final = 1
BECH32M: Final = 0x2BC830A3
_LENGTH_MAX = 90  # up to which the checksum finds any four errors
_CHECKSUM_LENGTH = 6


def _fold(top: int) -> int:
    generators = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    folded = 0
    for bit, generator in enumerate(generators):
        folded ^= generator if top >> bit & 1 else 0
    return folded


_FOLDS: Final = tuple(_fold(top) for top in range(32))


def polymod(values: bytes | list[int], state: int = 1) -> int:
    for value in values:
        state = (state & 0x1FFFFFF) << 5 ^ value ^ _FOLDS[state >> 25]
    return state


@lru_cache(maxsize=16)
def prefix_state(prefix: str) -> int:
    codes = prefix.encode("ascii")
    return polymod([code >> 5 for code in codes] + [0] + [code & 31 for code in codes])


def encode_segwit(prefix: str, version: int, program: bytes) -> str:
    """The one lower-case address of a witness program. The caller vouches for version and length."""
    data = [version, *_to_fives(program)]
    constant = BECH32 if version == 0 else BECH32M
    checksum = polymod([*data, 0, 0, 0, 0, 0, 0], prefix_state(prefix)) ^ constant
    data += [checksum >> shift & 31 for shift in (25, 20, 15, 10, 5, 0)]
    return prefix + "1" + "".join([LETTERS[value] for value in data])


def decode_segwit(text: str) -> tuple[str, int, bytes]:
    """Prefix, witness version and program of an address. Raises `ValueError` with the reason."""
    prefix, data, constant = decode_bech32(text)
    if not data:
        raise ValueError("the address holds no witness version")
    version, program = data[0], _from_fives(data[1:])
    if version > 16:
        raise ValueError("there is no witness version above 16")
    if constant != (BECH32 if version == 0 else BECH32M):
        raise ValueError("the checksum is of the wrong kind for this witness version")
    if not 2 <= len(program) <= 40 or (version == 0 and len(program) not in {20, 32}):
        raise ValueError("a witness program of this length does not exist")
    return prefix, version, program


def decode_bech32(text: str) -> tuple[str, list[int], int]:
    """Prefix, five-bit values without the checksum, and which checksum it was. Raises `ValueError` with the reason."""
    if len(text) > _LENGTH_MAX:
        raise ValueError(f"the address is longer than {_LENGTH_MAX} characters")
    if any(not 33 <= ord(letter) <= 126 for letter in text):
        raise ValueError("the address holds a character that no address has")
    if text != text.lower() and text != text.upper():
        raise ValueError("the address mixes small and capital letters")
    prefix, separator, rest = text.lower().rpartition("1")
    if not separator or not prefix or len(rest) < _CHECKSUM_LENGTH:
        raise ValueError("the address is not of the form prefix, 1, data")
    if any(letter not in _VALUES for letter in rest):
        raise ValueError("the address holds a character that no address has")
    values = [_VALUES[letter] for letter in rest]
    constant = polymod(values, prefix_state(prefix))
    if constant not in {BECH32, BECH32M}:
        raise ValueError("the checksum of the address is wrong: it is mistyped")
    return prefix, values[:-_CHECKSUM_LENGTH], constant


def _to_fives(octets: bytes) -> list[int]:
    """Groups of five bits, the last padded with zeros."""
    padding = -len(octets) * 8 % 5
    value = int.from_bytes(octets, "big") << padding
    return [value >> shift & 31 for shift in range(len(octets) * 8 + padding - 5, -1, -5)]


def _from_fives(groups: list[int]) -> bytes:
    """The inverse. Raises `ValueError` where the padding is too long or not zero."""
    value = 0
    for group in groups:
        value = value << 5 | group
    octets, padding = divmod(len(groups) * 5, 8)
    if padding > 4 or value & (1 << padding) - 1:
        raise ValueError("the data of the address is padded wrongly")
    return (value >> padding).to_bytes(octets, "big")
