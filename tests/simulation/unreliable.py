"""A network that can also lag behind itself, and deny for a while what it has taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fakes.network import FakeNetwork
from wallet.ports import (
    BlockRef,
    Fate,
    Fee,
    FileSource,
    FundsShort,
    Instruction,
    NonceSource,
    Status,
    SubmissionRef,
    Unsigned,
    UtxoSource,
)


@dataclass(slots=True)
class UnreliableNetwork(FakeNetwork):
    """`lag` blocks are hidden from those who ask for the tip; `denying` says that it knows no submission of ours. `faults`
    counts what went wrong, so that a run can prove that something did."""

    lag: int = 0
    denying: bool = False
    faults: dict[str, int] = field(default_factory=dict)

    def count(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1

    async def tip(self) -> BlockRef:
        self._answer()
        return self._chain[max(len(self._chain) - 1 - self.lag, 0)].ref

    async def final(self) -> BlockRef | None:
        self._answer()
        place = len(self._chain) - self.depth - self.lag
        return self._chain[place].ref if place >= 0 else None

    async def status(self, submission: SubmissionRef) -> Status:
        if self.denying:
            self.count("denied")
            return Status(Fate.UNKNOWN)
        # super() without arguments does not work in a dataclass with slots
        return await FakeNetwork.status(self, submission)

    async def build(
        self, instructions: Sequence[Instruction], source: NonceSource | UtxoSource | FileSource, fee: Fee
    ) -> Unsigned:
        if isinstance(source, UtxoSource):
            wanted = sum(each.amount.units for each in instructions) + fee.units.units
            if sum(coin.units for coin in source.available) < wanted:
                raise FundsShort("not enough coins are free")
        return await FakeNetwork.build(self, instructions, source, fee)
