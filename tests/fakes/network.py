"""A network in memory: blocks, a pool of what waits, reorgs, lost answers. It keeps its own books, apart from the node's.

network.pay_in(address, amount)     somebody outside pays us; `mine()` puts it into a block
network.reorg(2)                    the last two blocks are replaced; what was in them waits again
network.reorg(2, forget=True)       … and is gone
network.reorg_including(2)          … or is in the new branch at once, with all that waits
network.cut(2)                      the last two blocks are taken back, and no other has come yet
network.steal(amount)                somebody else takes it from our own address with the next block
network.send_back(amount, "wdr_…")  a bank returns a payout of ours
network.take(amount)                 the same at a bank, whose statement shows it leaving
network.claim(address, amount)      the next block says so, and no balance bears it out
network.give(amount)                 it is there, and no block shows it
network.stray(address, contract, 5)  a token that nobody listed
network.contracts[address] = facts   a token's contract, as operators find it
network.silent = True               nothing answers
network.lose_answers = 1            the next submission arrives, and the answer to it does not
network.rejecting = "no"            submissions are understood and refused
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wallet.ids import NetworkId
from wallet.money import Amount, Asset
from wallet.ports import (
    AddressBook,
    Block,
    BlockRef,
    Branch,
    Capabilities,
    Derived,
    Destination,
    Fate,
    Fee,
    FileSource,
    FundsShort,
    Incoming,
    Instruction,
    Listing,
    NetworkError,
    NetworkRejected,
    NetworkUnreachable,
    NonceSource,
    Observation,
    Outgoing,
    Party,
    Reversal,
    Source,
    Status,
    Stray,
    SubmissionRef,
    Unsigned,
    Utxo,
    UtxoSource,
)
from wallet.ports.tokens import TokenFacts

_GENESIS_AT = datetime(2026, 1, 1, tzinfo=UTC)
_ADDRESS = re.compile(r"[a-z0-9-]{3,60}", re.ASCII)
ACCOUNTS = Capabilities(Source.NONCE, Reversal.REORG, True, False, False, False)
COINS = Capabilities(Source.UTXO, Reversal.REORG, True, False, True, False)
BANK = Capabilities(Source.FILE, Reversal.RETURN, False, False, False, True)


@dataclass(frozen=True, slots=True)
class Tx:
    """What moves: to addresses, and (for submissions of ours) from our wallet, with the fee it pays."""

    id: str
    pays: tuple[tuple[str, Amount], ...]
    consumes: tuple[str, ...] = ()
    fee: Amount | None = None
    change: tuple[str, int] | None = None
    party: Party | None = None
    text: str | None = None
    returns: str | None = None
    hollow: bool = False  # blocks show it, and nothing moved
    silent: bool = False  # it moved, and no block shows it
    told: bool = False  # it left, and the statement says so
    reverted: bool = False  # it is in a block and paid its fee, and nothing else moved
    unpaid: tuple[int, ...] = ()  # which of its payments were not made though it succeeded
    strays: tuple[tuple[str, str, int, str | None], ...] = ()  # address, contract, units, what it calls itself

    @property
    def ours(self) -> bool:
        return bool(self.consumes)


@dataclass(frozen=True, slots=True)
class _Mined:
    ref: BlockRef
    parent: str
    at: datetime
    txs: tuple[Tx, ...]


@dataclass(slots=True)
class FakeNetwork:
    """Implements `wallet.ports.Network`. All addresses of ours are one wallet: whatever arrived can be spent."""

    id: NetworkId
    assets: tuple[Asset, ...]
    book: AddressBook
    capabilities: Capabilities = ACCOUNTS
    depth: int = 2  # blocks on top of a block, its own counted, until it is final
    fee_units: int = 1_000
    smallest_units: int = 1
    silent: bool = False
    lose_answers: int = 0
    rejecting: str | None = None
    fee_trouble: NetworkError | None = None  # what asking for a higher fee meets
    tree: str = ""  # networks of the same tree have the same addresses
    pool: dict[str, Tx] = field(default_factory=dict)
    listings: tuple[Listing, ...] = ()
    contracts: dict[str, TokenFacts] = field(default_factory=dict)
    fee_asset: Asset = field(init=False)
    _chain: list[_Mined] = field(default_factory=list)
    _serial: int = 0

    def __post_init__(self) -> None:
        self.fee_asset = self.assets[0]
        self.listings = tuple(Listing(self.id, asset, None, asset.decimals) for asset in self.assets)
        self._chain = [_Mined(BlockRef(0, f"{self.id}-genesis"), "", _GENESIS_AT, ())]

    # ── what the world does ──────────────────────────────────────────────────────────────────────────────────────────

    def send_back(self, amount: Amount, returns: str) -> str:
        """The receiving bank returns a payout of ours; to no address, for its text is our own."""
        self._serial += 1
        tx = Tx(
            _digest(self.id, "back", self._serial), ((self.derive(Branch.HOUSE, 0).address, amount),), returns=returns
        )
        self.pool[tx.id] = tx
        return tx.id

    def pay_in(self, address: str, amount: Amount, *, party: Party | None = None, text: str | None = None) -> str:
        """Somebody pays; it waits for a block. Returns the tx."""
        self._serial += 1
        tx = Tx(_digest(self.id, "in", self._serial), ((address, amount),), party=party, text=text)
        self.pool[tx.id] = tx
        return tx.id

    def steal(self, amount: Amount) -> str:
        """Value of ours goes to somebody else, signed with our key and not by us."""
        self._serial += 1
        thief = _digest(self.id, "theft", self._serial)
        tx = Tx(thief, (("thief", amount),), (f"{self.derive(Branch.HOUSE, 0).address}:stolen-{self._serial}",))
        self.pool[tx.id] = tx
        return tx.id

    def take(self, amount: Amount) -> None:
        """A bank takes money back: the next statement shows it leaving."""
        tx = self.pool[self.steal(amount)]
        self.pool[tx.id] = replace(tx, told=True)

    def give(self, amount: Amount, *, now: bool = False) -> None:
        """Value that no arrival explains: an internal transfer, a rebase, a provider that has caught up. `now`: in the tip."""
        self._serial += 1
        gift = Tx(
            _digest(self.id, "gift", self._serial), ((self.derive(Branch.HOUSE, 0).address, amount),), silent=True
        )
        if now:
            self._chain[-1] = replace(self._chain[-1], txs=(*self._chain[-1].txs, gift))
        else:
            self.pool[gift.id] = gift

    def claim(self, address: str, amount: Amount) -> str:
        """A log without money: the scan believes it, the balances know nothing of it."""
        self._serial += 1
        tx = Tx(_digest(self.id, "claim", self._serial), ((address, amount),), hollow=True)
        self.pool[tx.id] = tx
        return tx.id

    def stray(self, address: str, contract: str, units: int, symbol: str | None = None) -> str:
        """Value that no listing here covers."""
        self._serial += 1
        tx = Tx(_digest(self.id, "stray", self._serial), (), strays=((address, contract, units, symbol),))
        self.pool[tx.id] = tx
        return tx.id

    def mine(self, count: int = 1) -> None:
        """Blocks; the first takes everything that waits and can be included."""
        for _ in range(count):
            tip = self._chain[-1].ref
            self._serial += 1
            ref = BlockRef(tip.height + 1, _digest(self.id, tip.id, self._serial))
            used, taken = self._used(), []
            for tx in self.pool.values():
                if not used.intersection(tx.consumes):
                    used.update(tx.consumes)
                    taken.append(tx)
            self._chain.append(_Mined(ref, tip.id, _GENESIS_AT + timedelta(seconds=ref.height), tuple(taken)))
            self.pool.clear()

    def reorg(self, blocks: int, *, forget: bool = False) -> None:
        """Another branch, longer by one, takes the place of the last `blocks`."""
        gone, self._chain = self._chain[-blocks:], self._chain[:-blocks]
        waiting, self.pool = dict(self.pool), {}
        if not forget:
            waiting |= {tx.id: tx for mined in gone for tx in mined.txs}
        self.mine(blocks + 1)
        self.pool = waiting

    def reorg_including(self, blocks: int) -> None:
        """The same, and the new branch has at once what waits."""
        self._chain = self._chain[:-blocks]
        self.mine(blocks + 1)

    def cut(self, blocks: int) -> None:
        """The last `blocks` are taken back, and nothing has come instead; what was in them waits again."""
        gone, self._chain = self._chain[-blocks:], self._chain[:-blocks]
        self.pool |= {tx.id: tx for mined in gone for tx in mined.txs}

    def blocks_since(self, height: int) -> list[BlockRef]:
        """From this height to the tip."""
        return [mined.ref for mined in self._chain[height:]]

    @property
    def txs(self) -> dict[str, Tx]:
        return {tx.id: tx for mined in self._chain for tx in mined.txs}

    def received(self, address: str) -> dict[str, int]:
        """What an address has been paid, per asset symbol, in base units."""
        found: dict[str, int] = defaultdict(int)
        for tx in self.txs.values():
            for target, amount in tx.pays:
                found[amount.asset.symbol] += amount.units if target == address else 0
        return {symbol: units for symbol, units in found.items() if units}

    # ── the port ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def identity(self) -> str:
        self._answer()
        return self._chain[0].ref.id

    async def tip(self) -> BlockRef:
        self._answer()
        return self._chain[-1].ref

    async def final(self) -> BlockRef | None:
        self._answer()
        place = len(self._chain) - self.depth
        return self._chain[place].ref if place >= 0 else None

    async def block_ref(self, height: int) -> BlockRef | None:
        self._answer()
        return self._chain[height].ref if 0 <= height < len(self._chain) else None

    async def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        for height in range(start, stop + 1):
            self._answer()
            mined = self._chain[height]
            arrivals = [arrival for tx in mined.txs if not tx.silent for arrival in arrivals_of(tx)]
            known = await self.book.known(self.id, {a.address for a in arrivals if a.address is not None})
            ours = tuple(arrival for arrival in arrivals if arrival.address in known or arrival.returns is not None)
            left = tuple(Outgoing(tx.id, tx.pays[0][1], "taken back", charge=False) for tx in mined.txs if tx.told)
            strays = tuple(stray for tx in mined.txs for stray in self._strays(tx))
            yield Block(height, mined.ref.id, mined.parent, mined.at, ours, left, strays)

    def derive(self, branch: Branch, index: int) -> Derived:
        return Derived(f"{self.tree or self.id}-{branch.value}-{index}", f"m/{branch.value}/{index}")

    def check_destination(self, destination: Destination) -> Destination:
        address = destination.address.strip().lower()
        if not _ADDRESS.fullmatch(address):
            raise ValueError("an address here is 3 to 60 lower-case letters, digits and -")
        if self.capabilities.personal_payload and not destination.name:
            raise ValueError("the holder's name is needed")
        return replace(destination, address=address)

    async def smallest_payment(self, asset: Asset, destination: Destination) -> Amount:
        return Amount(self.smallest_units, asset)

    async def estimate_fee(self, asset: Asset) -> Fee:
        self._answer()
        fee_asset = asset if self.capabilities.customer_pays_fee else self.fee_asset
        units = 0 if self.capabilities.source is Source.FILE else self.fee_units
        return Fee(units, Amount(units, fee_asset))

    async def token_facts(self, contracts: Sequence[str], at: BlockRef) -> Sequence[TokenFacts]:
        self._answer()
        nothing = TokenFacts("", None, None, None, None, None)
        return [self.contracts.get(name, replace(nothing, contract=name)) for name in contracts]

    def carry(self, listing: Listing) -> None:
        self.listings = (*self.listings, listing)
        self.assets = (*self.assets, listing.asset)

    async def raise_fee(self, unsigned: bytes, consumes: Sequence[str], *, urgent: bool) -> Unsigned | None:
        """A quarter more at the least, or what is asked now."""
        self._answer()
        if self.fee_trouble is not None:
            raise self.fee_trouble
        plan = json.loads(unsigned)
        paid = int(plan["fee"])
        if paid >= self.fee_units and not urgent:
            return None
        fee = max(paid + (paid >> 2) + 1, self.fee_units)
        return Unsigned(_encoded({**plan, "fee": str(fee)}), tuple(consumes), Amount(fee, self.fee_asset))

    async def build_self_cancel(self, source: NonceSource) -> Unsigned:
        self._answer()
        if self.fee_trouble is not None:
            raise self.fee_trouble
        consumes = _consumed(source)
        plan = {"network": self.id, "consumes": consumes, "pays": [], "fee": str(self.fee_units)}
        return Unsigned(_encoded(plan), consumes, Amount(self.fee_units, self.fee_asset))

    async def next_nonce(self, address: str) -> int:
        self._answer()
        return sum(name.startswith(f"{address}:") and "stolen" not in name for name in self._used())

    async def build(
        self, instructions: Sequence[Instruction], source: NonceSource | UtxoSource | FileSource, fee: Fee
    ) -> Unsigned:
        consumes = _consumed(source)
        spent = sum(i.amount.units for i in instructions) + fee.units.units
        change: Utxo | None = None
        plan: dict[str, Any] = {
            "network": self.id,
            "consumes": consumes,
            "pays": [[i.destination.address, i.amount.asset.symbol, str(i.amount.units)] for i in instructions],
            "fee": str(fee.units.units),
        }
        if isinstance(source, UtxoSource):
            rest = sum(coin.units for coin in source.available) - spent
            if rest < 0:
                raise FundsShort("less than the payments and the fee")
            tx = hashlib.sha256(_encoded(plan)).hexdigest()
            change = Utxo(f"{tx}:change", rest, source.change.address, source.change.path) if rest > 0 else None
        return Unsigned(_encoded(plan), consumes, fee.units, change)

    def show(self, payload: bytes) -> Mapping[str, object]:
        shown: dict[str, object] = json.loads(payload)
        return shown

    async def prepare(self, submission: SubmissionRef) -> None:
        return

    async def submit(self, submission: SubmissionRef) -> None:
        self._answer()
        if self.rejecting is not None:
            raise NetworkRejected(self.rejecting)
        if submission.tx not in self.txs:
            self._wait(self._decoded(submission))
        if self.lose_answers > 0:
            self.lose_answers -= 1
            raise NetworkUnreachable("the answer was lost")

    async def status(self, submission: SubmissionRef) -> Status:
        self._answer()
        for mined in self._chain:
            for tx in mined.txs:
                if tx.id == submission.tx:
                    return self._seen(mined.ref, tx, submission.references)
        if submission.tx in self.pool:
            return Status(Fate.PENDING)
        return Status(Fate.DEAD if self._used(final=True).intersection(submission.consumes) else Fate.UNKNOWN)

    async def observe(self, addresses: Sequence[str], at: BlockRef) -> Observation:
        self._answer()
        units: dict[str, int] = defaultdict(int)
        for mined in self._chain[: at.height + 1]:
            for tx in mined.txs:
                _move(units, tx, frozenset(addresses), self._spender(tx))
        return Observation(self._chain[at.height].ref, dict(units))

    async def close(self) -> None:
        return

    def _wait(self, tx: Tx) -> None:
        """As nodes do: of two that exclude each other the dearer waits."""
        rivals = [one for one in self.pool.values() if set(one.consumes) & set(tx.consumes) and one.id != tx.id]
        if any(one.fee and tx.fee and one.fee >= tx.fee for one in rivals):
            raise NetworkRejected("replacement transaction underpriced")
        for one in rivals:
            del self.pool[one.id]
        self.pool[tx.id] = tx

    def _answer(self) -> None:
        if self.silent:
            raise NetworkUnreachable("silent, as a test wished")

    def _strays(self, tx: Tx) -> Iterator[Stray]:
        for place, (address, contract, units, symbol) in enumerate(tx.strays):
            name = f"{tx.id}:stray:{place}"
            yield Stray(name, address, contract, units, tx.id, symbol, 18)

    def _spender(self, tx: Tx) -> str:
        """The address that a submission of ours goes from; coins and bank money count as the node's own address."""
        named = tx.consumes[0].rpartition(":")[0] if tx.ours else ""
        return named if named.startswith(f"{self.id}-") else self.derive(Branch.HOUSE, 0).address

    def _used(self, *, final: bool = False) -> set[str]:
        stop = len(self._chain) - self.depth + 1 if final else len(self._chain)
        return {name for mined in self._chain[: max(stop, 0)] for tx in mined.txs for name in tx.consumes}

    def _seen(self, ref: BlockRef, tx: Tx, references: Sequence[str]) -> Status:
        final = len(self._chain) - ref.height >= self.depth
        failed = tuple(references[place] for place in tx.unpaid)
        return Status(Fate.FINAL if final else Fate.INCLUDED, ref, tx.fee, succeeded=not tx.reverted, failed=failed)

    def _decoded(self, submission: SubmissionRef) -> Tx:
        plan = json.loads(submission.payload)["plan"]
        symbols = {asset.symbol: asset for asset in self.assets}
        pays = tuple((target, Amount(int(units), symbols[symbol])) for target, symbol, units in plan["pays"])
        return Tx(submission.tx, pays, tuple(plan["consumes"]), Amount(int(plan["fee"]), self.fee_asset))


def _consumed(source: NonceSource | UtxoSource | FileSource) -> tuple[str, ...]:
    match source:
        case NonceSource():
            return (f"{source.address}:{source.nonce}",)
        case UtxoSource():
            return tuple(coin.outpoint for coin in source.available)
        case FileSource():
            return (source.message_id,)


def arrivals_of(tx: Tx) -> list[Incoming]:
    return [
        Incoming(
            f"{tx.id}:{place}",
            None if tx.returns is not None else target,
            amount,
            tx.id,
            doubt="returned_payout" if tx.returns is not None else None,
            party=tx.party,
            text=tx.text,
            returns=tx.returns,
        )
        for place, (target, amount) in enumerate(tx.pays)
        if place not in tx.unpaid
    ]


def _move(units: dict[str, int], tx: Tx, ours: frozenset[str], spender: str) -> None:
    if tx.hollow:
        return
    spends = tx.ours and spender in ours
    for target, amount in () if tx.reverted else [pay for n, pay in enumerate(tx.pays) if n not in tx.unpaid]:
        units[amount.asset.symbol] += amount.units if target in ours else 0
        units[amount.asset.symbol] -= amount.units if spends else 0
    if tx.fee is not None and spends:
        units[tx.fee.asset.symbol] -= tx.fee.units


def _encoded(plan: Mapping[str, Any]) -> bytes:
    return json.dumps(plan, sort_keys=True, separators=(",", ":")).encode()


def _digest(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()
