"""A provider of a model chain: it lags, falls silent, breaks off in the middle, and lies in one answer of a hundred."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from tests.fakes.network import FakeNetwork, arrivals_of
from tests.simulation.model_chain import ModelBlock, ModelChain
from wallet.money import Amount
from wallet.ports import Block, BlockRef, Incoming, NetworkUnreachable, Observation

LIES = 0.01
SILENCES = 0.01
TRUNCATIONS = 0.03
LAGS = 0.1
LAG_MAX = 3  # blocks


@dataclass(slots=True)
class LyingProvider(FakeNetwork):
    """One of several that look at the same chain. `told` counts what it did, so that a run can prove that it did."""

    chain: ModelChain = field(default_factory=lambda: ModelChain("none", random.Random(0)))
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    told: Counter[str] = field(default_factory=Counter)
    honest: bool = False
    lies: float = LIES
    name: str = "a"

    async def identity(self) -> str:
        return self.chain.blocks[0].ref.id

    async def tip(self) -> BlockRef:
        self._breathe()
        lag = self.chance.randint(1, LAG_MAX) if self._happens("lag", LAGS) else 0
        ref = self.chain.blocks[max(self.chain.height - lag, 0)].ref
        return BlockRef(ref.height + self.chance.randint(0, 3), self._invented()) if self._lies("tip") else ref

    async def final(self) -> BlockRef | None:
        self._breathe()
        height = self.chain.height - self.depth + 1
        if self._lies("final"):
            height = self.chance.choice([self.chain.height, height - 10])
            return BlockRef(max(height, 0), self._invented() if self.chance.random() < 0.5 else self._id(height))
        return self.chain.blocks[height].ref if height >= 0 else None

    async def block_ref(self, height: int) -> BlockRef | None:
        self._breathe()
        if self._lies("block_ref"):
            return self.chance.choice([None, BlockRef(height, self._invented())])
        return self.chain.blocks[height].ref if 0 <= height <= self.chain.height else None

    async def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        for height in range(start, stop + 1):
            self._breathe()
            if height > self.chain.height:
                raise NetworkUnreachable(f"{self.name} has no block {height}")
            if self._happens("truncated", TRUNCATIONS):
                return
            block = await self._read(self.chain.blocks[height])
            yield self._twisted(block) if self._lies("block") else block

    async def observe(self, addresses: Sequence[str], at: BlockRef) -> Observation:
        self._breathe()
        if at.height > self.chain.height:
            raise NetworkUnreachable(f"{self.name} has no block {at.height}")
        block = self.chain.blocks[at.height]
        units = dict(block.held)
        if units and self._lies("observe"):
            symbol = self.chance.choice(sorted(units))
            units[symbol] += self.chance.choice([-1, 1, 10**30])
        return Observation(block.ref, units)

    async def _read(self, mined: ModelBlock) -> Block:
        arrivals = [arrival for tx in mined.txs for arrival in arrivals_of(tx)]
        known = await self.book.known(self.id, {each.address for each in arrivals if each.address is not None})
        ours = tuple(each for each in arrivals if each.address in known)
        return Block(mined.ref.height, mined.ref.id, mined.parent, mined.at, ours)

    def _twisted(self, block: Block) -> Block:
        """One that is left out, invented, larger, told twice, or of a block that does not exist."""
        incoming = list(block.incoming)
        match self.chance.choice(["without", "more", "larger", "twice", "elsewhere"]):
            case "without" if incoming:
                incoming.pop(self.chance.randrange(len(incoming)))
            case "larger" if incoming:
                place = self.chance.randrange(len(incoming))
                more = incoming[place].amount
                incoming[place] = replace(incoming[place], amount=Amount(more.units + 1, more.asset))
            case "twice" if incoming:
                incoming.append(self.chance.choice(incoming))
            case "more" if incoming:
                like = self.chance.choice(incoming)
                incoming.append(Incoming(f"{self._invented()}:0", like.address, like.amount, self._invented()))
            case _:
                return replace(block, id=self._invented(), parent=self._invented())
        return replace(block, incoming=tuple(incoming))

    def _breathe(self) -> None:
        if self._happens("silent", SILENCES):
            raise NetworkUnreachable(f"{self.name} is silent")

    def _lies(self, about: str) -> bool:
        self.told["answers"] += 1
        return self._happens(f"lie about {about}", self.lies)

    def _happens(self, what: str, how_often: float) -> bool:
        happens = not self.honest and self.chance.random() < how_often
        self.told[what] += happens
        return happens

    def _invented(self) -> str:
        return f"{self.chance.getrandbits(256):064x}"

    def _id(self, height: int) -> str:
        return self.chain.blocks[max(min(height, self.chain.height), 0)].ref.id
