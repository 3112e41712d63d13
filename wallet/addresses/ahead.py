"""Addresses derived ahead: handing one out is then the write of one row, and callers do not wait for each other.

Each process reserves indices for itself, so that no two processes ever try the same one; what it has not handed out when it
ends stays unused. It begins with few, as many as other wallets bridge when they look for used addresses (BIP-44's gap limit),
and takes more at a time the more are asked for.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from wallet.ports import Derived

FIRST_RESERVED, RESERVED_MAX = 20, 1_000  # at most so many lie unused when a process ends: 300 KB, and 40 ms to derive

Refill = Callable[[int], Awaitable[Sequence[Derived]]]
"""Reserves so many indices and returns their addresses."""


@dataclass(slots=True)
class _Ready:
    addresses: deque[Derived] = field(default_factory=deque)
    reserve_next: int = FIRST_RESERVED
    refilling: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class AddressesAhead:
    """What this process has at hand, by key tree."""

    _ready: dict[str, _Ready] = field(default_factory=dict)

    async def take(self, tree: str, refill: Refill) -> Derived:
        """An address that nobody has and nobody else will be offered. Who does not hand it out gives it back."""
        ready = self._ready.setdefault(tree, _Ready())
        while not ready.addresses:
            async with ready.refilling:
                if not ready.addresses:
                    ready.addresses.extend(await refill(ready.reserve_next))
                    ready.reserve_next = min(2 * ready.reserve_next, RESERVED_MAX)
        return ready.addresses.popleft()

    def give_back(self, tree: str, derived: Derived) -> None:
        """Only what is certainly in no row: after an unknown outcome it may be somebody's."""
        self._ready[tree].addresses.appendleft(derived)
