"""One network, as the core asks it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from wallet.ids import NetworkId
from wallet.money import Amount, Asset
from wallet.ports.addresses import Branch, Derived
from wallet.ports.arrivals import Block, BlockRef
from wallet.ports.capabilities import Capabilities
from wallet.ports.listings import Listing
from wallet.ports.submissions import (
    Destination,
    Fee,
    FileSource,
    Instruction,
    NonceSource,
    Status,
    SubmissionRef,
    Unsigned,
    UtxoSource,
)


@dataclass(frozen=True, slots=True)
class Observation:
    """What the network itself says we own at a block, per asset in ledger units; read apart from the deposit scan."""

    block: BlockRef
    units: Mapping[str, int]


class Network(Protocol):
    """One network, behind one provider or behind several that have to agree (`chains.quorum`)."""

    id: NetworkId
    capabilities: Capabilities
    listings: tuple[Listing, ...]
    fee_asset: Asset

    async def identity(self) -> str:
        """What tells this chain or bank account from every other: the genesis id, the IBAN.
        Raises `NetworkMismatch` when the provider serves another chain than the configuration names."""

    async def tip(self) -> BlockRef:
        """The newest block the provider shows. For a bank: takes in what has arrived first, then the last statement."""

    async def final(self) -> BlockRef | None:
        """The newest block that cannot be taken back by policy; None while there is none."""

    async def block_ref(self, height: int) -> BlockRef | None:
        """The block now at this height, None above the tip."""

    def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        """The blocks `start` to `stop` (inclusive) in order, each with the incoming value that touches the address book.
        Never skips: a block that cannot be read raises."""

    def derive(self, branch: Branch, index: int) -> Derived:
        """The address at this place, from public keys alone. For a bank: the reference that payers quote."""

    def check_destination(self, destination: Destination) -> Destination:
        """The destination in canonical form, or raises `ValueError` with a clear reason."""

    async def smallest_payment(self, asset: Asset, destination: Destination) -> Amount:
        """The least that this network carries to this destination; below it is dust that nobody relays."""

    async def estimate_fee(self, asset: Asset) -> Fee:
        """What an ordinary withdrawal of this asset costs now."""

    async def next_nonce(self, address: str) -> int:
        """The first nonce never used on this address, as the network sees it. 0 where there are none."""

    async def build(
        self, instructions: Sequence[Instruction], source: NonceSource | UtxoSource | FileSource, fee: Fee
    ) -> Unsigned:
        """Unsigned bytes for these payments, at most `capabilities.batch_max`. Raises `FundsShort`, `NotTogether`."""

    def show(self, payload: bytes) -> Mapping[str, object]:
        """An unsigned or signed payload decoded, for people and logs without personal data."""

    async def prepare(self, submission: SubmissionRef) -> None:
        """Called after signing and before the signed bytes are recorded as signed. Where bytes may leave only once this
        puts them durably where `submit` can release them in one atomic step; elsewhere it does nothing. Repeatable
        until `submit` has run."""

    async def submit(self, submission: SubmissionRef) -> None:
        """Send the signed bytes. Returns when the network has them (also when it had them before). Raises
        `NetworkUnreachable` when that is uncertain, `NetworkRejected` when it said no."""

    async def status(self, submission: SubmissionRef) -> Status:
        """What became of it. Never guesses: no answer raises `NetworkUnreachable`."""

    async def observe(self, addresses: Sequence[str], at: BlockRef) -> Observation:
        """Our holdings as the network states them, per asset symbol. At `at` where the network can tell the past, otherwise
        at its tip; the block it was read at is in the answer."""

    async def close(self) -> None: ...


@runtime_checkable
class PaysFrom(Protocol):
    """A network on which a withdrawal's cost depends on the address that pays it."""

    def pay_from(self, address: str) -> None:
        """The hot address from now on; before it is told, the first one."""


@runtime_checkable
class Sweeping(Protocol):
    """What a network with `capabilities.sweeps` can tell besides."""

    async def transfer_cost(self, asset: Asset, source: str, target: str, fee: Fee) -> Amount:
        """The most that moving all of `asset` from `source` to `target` costs, in the fee asset. Raises `FundsShort`."""
