"""A network that knows what it paid to whom, however many blocks there are: the fake one, with an index of what is in them."""

from collections import Counter
from dataclasses import dataclass, field

from tests.fakes.network import FakeNetwork, Tx
from tests.simulation.unreliable import UnreliableNetwork
from wallet.ports import Fate, Status, SubmissionRef


@dataclass(slots=True)
class PayoutNetwork(UnreliableNetwork):
    """`places` are the heights of txs, `spent` those at which a nonce, coin or file name was used, `paid` how often each
    address was paid and `units` how much. `reorgs` never go below what is final."""

    places: dict[str, int] = field(default_factory=dict)
    included: dict[str, Tx] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    paid: Counter[str] = field(default_factory=Counter)
    units: Counter[tuple[str, str]] = field(default_factory=Counter)

    # super() without arguments does not work in a dataclass with slots

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            FakeNetwork.mine(self, 1)
            for tx in self._chain[-1].txs:
                self._count(tx, 1)
                self.places[tx.id], self.included[tx.id] = len(self._chain) - 1, tx
                self.spent.update(dict.fromkeys(tx.consumes, len(self._chain) - 1))

    def reorg(self, blocks: int, *, forget: bool = False) -> None:
        for tx in [tx for mined in self._chain[-blocks:] for tx in mined.txs]:
            self._count(tx, -1)
            del self.places[tx.id], self.included[tx.id]
            for name in tx.consumes:
                del self.spent[name]
        FakeNetwork.reorg(self, blocks, forget=forget)

    def _count(self, tx: Tx, way: int) -> None:
        for target, amount in tx.pays:
            self.paid[target] += way
            self.units[target, amount.asset.symbol] += way * amount.units

    @property
    def txs(self) -> dict[str, Tx]:
        return self.included

    def received(self, address: str) -> dict[str, int]:
        found = {asset.symbol: self.units[address, asset.symbol] for asset in self.assets}
        return {symbol: units for symbol, units in found.items() if units}

    async def status(self, submission: SubmissionRef) -> Status:
        if self.denying:
            return await UnreliableNetwork.status(self, submission)
        self._answer()
        height = self.places.get(submission.tx)
        if height is not None:
            return self._seen(self._chain[height].ref, self.included[submission.tx], submission.references)
        if submission.tx in self.pool:
            return Status(Fate.PENDING)
        last_final = len(self._chain) - self.depth
        dead = any(self.spent.get(name, len(self._chain)) <= last_final for name in submission.consumes)
        return Status(Fate.DEAD if dead else Fate.UNKNOWN)

    def _used(self, *, final: bool = False) -> set[str]:
        """Of what waits, that is: nobody asks for more."""
        return {name for tx in self.pool.values() for name in tx.consumes if name in self.spent}

    async def next_nonce(self, address: str) -> int:
        self._answer()
        return sum(name.startswith(f"{address}:") for name in self.spent)
