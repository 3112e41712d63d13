"""Recursive length prefix (Ethereum yellow paper, appendix B): byte strings and lists of them, in the one valid form.

What this prevents: two byte sequences that read as the same tx, one of which we checked and another that somebody signed.
Whatever is not the shortest encoding, runs short or leaves bytes over is refused.
"""

from collections.abc import Sequence
from typing import TypeAlias

DEPTH_MAX = 16  # an access list is three deep; hostile nesting must end before Python's stack does

Item: TypeAlias = bytes | Sequence["Item"]


class RlpMalformed(ValueError):
    """Not the canonical encoding of anything."""


def encode(item: Item) -> bytes:
    if not isinstance(item, bytes):
        body = b"".join(encode(member) for member in item)
        return _prefix(len(body), 0xC0) + body
    if len(item) == 1 and item[0] < 0x80:
        return item
    return _prefix(len(item), 0x80) + item


def decode(encoded: bytes) -> Item:
    """Raises `RlpMalformed`."""
    item, end = _decode_at(encoded, 0, DEPTH_MAX)
    if end != len(encoded):
        raise RlpMalformed("bytes are left over")
    return item


def encode_quantity(number: int) -> bytes:
    """Big-endian without leading zeros; zero is the empty string."""
    return number.to_bytes((number.bit_length() + 7) >> 3, "big")


def decode_quantity(item: Item) -> int:
    """Raises `RlpMalformed` for lists and leading zeros."""
    if not isinstance(item, bytes):
        raise RlpMalformed("a list stands where a number belongs")
    if item[:1] == b"\x00":
        raise RlpMalformed("a number has leading zeros")
    return int.from_bytes(item, "big")


def _prefix(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes([offset + length])
    size = encode_quantity(length)
    return bytes([offset + 55 + len(size)]) + size


def _decode_at(encoded: bytes, start: int, depth: int) -> tuple[Item, int]:
    if depth == 0:
        raise RlpMalformed("lists are nested too deeply")
    first = _take(encoded, start, 1)[0]
    if first < 0x80:
        return encoded[start : start + 1], start + 1
    offset = 0x80 if first < 0xC0 else 0xC0
    length, begin = _length_at(encoded, start, first - offset)
    body = _take(encoded, begin, length)
    if offset == 0xC0:
        return _members(encoded, begin, begin + length, depth - 1), begin + length
    if length == 1 and body[0] < 0x80:
        raise RlpMalformed("a single small byte carries a prefix")
    return body, begin + length


def _length_at(encoded: bytes, start: int, code: int) -> tuple[int, int]:
    """The length of the body and where it begins."""
    if code < 56:
        return code, start + 1
    size = _take(encoded, start + 1, code - 55)
    length = int.from_bytes(size, "big")
    if size[0] == 0 or length < 56:
        raise RlpMalformed("a length is not written in its shortest form")
    return length, start + 1 + len(size)


def _members(encoded: bytes, begin: int, end: int, depth: int) -> list[Item]:
    members: list[Item] = []
    while begin < end:
        member, begin = _decode_at(encoded, begin, depth)
        members.append(member)
    if begin != end:
        raise RlpMalformed("a member runs past the end of its list")
    return members


def _take(encoded: bytes, start: int, length: int) -> bytes:
    part = encoded[start : start + length]
    if len(part) != length:
        raise RlpMalformed("the encoding runs short")
    return part
