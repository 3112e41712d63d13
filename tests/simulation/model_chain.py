"""A chain that knows what truly arrived: what stands in it now, and what a reorg has moved, delayed or lost for ever."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.fakes.network import Tx
from wallet.ports import BlockRef

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ModelBlock:
    """`held` is what all our addresses hold after it, by asset."""

    ref: BlockRef
    parent: str
    at: datetime
    txs: tuple[Tx, ...]
    held: Counter[str]


@dataclass(slots=True)
class ModelChain:
    """`waiting` is in no block of this branch; `lost` never comes back."""

    name: str
    chance: random.Random
    blocks: list[ModelBlock] = field(default_factory=list)
    waiting: list[Tx] = field(default_factory=list)
    lost: int = 0
    reorgs: int = 0
    deepest: int = 0

    def __post_init__(self) -> None:
        self.blocks = [ModelBlock(BlockRef(0, f"{self.name}-genesis"), "", _BEGINNING, (), Counter())]

    @property
    def height(self) -> int:
        return len(self.blocks) - 1

    def mine(self, txs: Sequence[Tx] = ()) -> None:
        below = self.blocks[-1]
        ref = BlockRef(below.ref.height + 1, f"{self.chance.getrandbits(256):064x}")
        held = Counter(below.held)
        for tx in txs:
            for _, amount in tx.pays:
                held[amount.asset.symbol] += amount.units
        self.blocks.append(ModelBlock(ref, below.ref.id, _BEGINNING + timedelta(seconds=ref.height), tuple(txs), held))

    def reorg(self, depth: int) -> None:
        """Another branch, longer by one, in place of the newest blocks. Of what was in them some is in the new branch at once,
        in other blocks; some comes later; and some was spent otherwise and never comes."""
        depth = min(depth, self.height)
        if depth == 0:
            return
        gone, self.blocks = self.blocks[-depth:], self.blocks[:-depth]
        self.reorgs, self.deepest = self.reorgs + 1, max(self.deepest, depth)
        moved: list[list[Tx]] = [[] for _ in range(depth + 1)]
        for tx in [tx for block in gone for tx in block.txs]:
            match self.chance.choice(["now", "now", "later", "never"]):
                case "now":
                    moved[self.chance.randrange(depth + 1)].append(tx)
                case "later":
                    self.waiting.append(tx)
                case _:
                    self.lost += 1
        for txs in moved:
            self.mine(txs)

    def arrived(self) -> dict[str, tuple[str, str, int]]:
        """What stands in the chain now: by identity the address, the asset and the units."""
        return {
            f"{tx.id}:{place}": (address, amount.asset.symbol, amount.units)
            for block in self.blocks
            for tx in block.txs
            for place, (address, amount) in enumerate(tx.pays)
        }
