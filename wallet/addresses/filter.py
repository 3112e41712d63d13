"""Tens of millions of addresses in a few bytes each: says no for certain, and yes almost for certain.

A Bloom filter of two bits an address, in parts: one that is full is left as it is and another twice as large is begun, so that
nothing is ever read again. Three in a thousand strangers are taken for ours at the most, and whoever asks looks those up
exactly. Its memory is a handful of byte arrays, which the garbage collector does not walk; a set of ten million texts is
875 MB that it walks each time. Positions come from Python's own hash, whose key is another in each process: nobody can make
addresses that collide on purpose.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice

BITS_PER_ADDRESS = 32  # at least; a part's size is a power of two, so up to twice as many: 4 to 8 bytes
PART_LEAST = 1 << 16  # addresses; a quarter of a megabyte
_HALF = 32  # each address sets the bits that the lower and the upper half of its hash name
_BIT = tuple(1 << place for place in range(8))


class _Part:
    __slots__ = ("bits", "mask", "room")

    def __init__(self, addresses: int) -> None:
        size = 1 << (addresses * BITS_PER_ADDRESS - 1).bit_length()
        self.bits = bytearray(size >> 3)
        self.mask = size - 1
        self.room = size // BITS_PER_ADDRESS

    def add(self, addresses: Iterable[str]) -> None:
        bits, mask, bit = self.bits, self.mask, _BIT
        for address in addresses:
            name = hash(address)
            one, two = name & mask, name >> _HALF & mask
            bits[one >> 3] |= bit[one & 7]
            bits[two >> 3] |= bit[two & 7]


class AddressFilter:
    """Of texts as they are: whoever does not care for case asks and adds in lower case."""

    __slots__ = ("_parts",)

    def __init__(self, expected: int = PART_LEAST) -> None:
        self._parts = [_Part(max(expected, PART_LEAST))]

    def add(self, addresses: Sequence[str]) -> None:
        """Adding one again changes nothing but the room."""
        rest = iter(addresses)
        left = len(addresses)
        while left:
            part = self._parts[-1]
            if not part.room:
                part = _Part(2 * (part.mask + 1) // BITS_PER_ADDRESS)
                self._parts.append(part)
            taken = min(left, part.room)
            part.add(islice(rest, taken))
            part.room -= taken
            left -= taken

    def likely(self, addresses: Iterable[str]) -> list[str]:
        """Those that were added, and very few that were not."""
        found: list[str] = []
        left: Collection[str] = list(addresses)
        for part in self._parts:
            here = _likely_in(part, left)
            found += here
            if here and len(self._parts) > 1:
                left = set(left).difference(here)
        return found

    @property
    def size_bytes(self) -> int:
        return sum(len(part.bits) for part in self._parts)


def _likely_in(part: _Part, addresses: Iterable[str]) -> list[str]:
    bits, mask, bit, found = part.bits, part.mask, _BIT, []
    for address in addresses:
        name = hash(address)
        one = name & mask
        if bits[one >> 3] & bit[one & 7]:
            two = name >> _HALF & mask
            if bits[two >> 3] & bit[two & 7]:
                found.append(address)
    return found
