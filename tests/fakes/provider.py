"""One of several providers of a fake network: it passes on what the network says, or lies, lags, or says nothing.

provider.lies["tip"] = alter         what `tip` answers is altered; for `blocks` each block is
provider.silent = True               nothing answers
provider.told                        how often each lie was told
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.fakes.network import FakeNetwork
from wallet.ports import Block, NetworkUnreachable

Alter = Callable[[Any], Any]


class FakeProvider:
    """Implements `wallet.ports.Network` by passing on to `truth`."""

    def __init__(self, truth: FakeNetwork) -> None:
        self.truth = truth
        self.lies: dict[str, Alter] = {}
        self.told: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.silent = False
        self.delay_s = 0.0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.truth, name)
        if name not in ASKED:
            return real

        async def answer(*arguments: Any) -> Any:
            self.asked[name] += 1
            await self._speak()
            return self._altered(name, await real(*arguments))

        return answer

    async def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        async for block in self.truth.blocks(start, stop):
            await self._speak()
            self.asked["blocks"] += 1
            yield self._altered("blocks", block)

    async def _speak(self) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.silent:
            raise NetworkUnreachable("silent, as a test wished")

    def _altered(self, name: str, truth: Any) -> Any:
        if name not in self.lies:
            return truth
        self.told[name] += 1
        return self.lies[name](truth)


ASKED = frozenset(
    {
        *("identity", "tip", "final", "block_ref", "smallest_payment", "estimate_fee", "next_nonce", "build"),
        *("prepare", "submit", "status", "observe", "close"),
    }
)
