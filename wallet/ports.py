"""What the core asks of the world: networks, the signer, the address book, the clock. Plain frozen facts in and out.

Adapters record facts and decide nothing. A bank rail and a blockchain are the same kind of thing here: a place where
value arrives in blocks (a bank's block is its statement), becomes final, can be taken back by rules of its own, and
accepts signed submissions. What differs is declared in `Capabilities`, never guessed.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from wallet.ids import NetworkId, SubmissionId
from wallet.money import Amount, Asset
from wallet.network_errors import (
    BlockVanished as BlockVanished,
    NetworkError as NetworkError,
    NetworkMismatch as NetworkMismatch,
    NetworkRateLimited as NetworkRateLimited,
    NetworkRejected as NetworkRejected,
    NetworkUnproven as NetworkUnproven,
    NetworkUnreachable as NetworkUnreachable,
)

# ── what a network can do ────────────────────────────────────────────────────────────────────────────────────────────


class Reversal(StrEnum):
    REORG = "reorg"
    RETURN = "return"


class Source(StrEnum):
    """What a submission consumes, and what therefore makes two submissions exclude each other."""

    NONCE = "nonce"
    UTXO = "utxo"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What differs between networks.

    `resend_safe`: may the same bytes be sent twice. `sweeps`: deposits must be moved to the hot address before they
    can be paid out. `customer_pays_fee`: the network fee is quoted to, held from and paid by the customer, in the
    asset itself. `personal_payload`: submissions name people, so their bytes are sealed wherever we store them.
    `address_kinds`: the kinds of deposit address that can be asked for by name, with the branch of keys of each; the
    first is given to who names none. Empty where there is one kind, `Branch.DEPOSIT`.
    `confirmations`: the depth that is final, where that is a count and not the network's own judgement.
    """

    source: Source
    reversal: Reversal
    resend_safe: bool
    sweeps: bool
    customer_pays_fee: bool
    personal_payload: bool
    address_kinds: Mapping[str, "Branch"] = field(default_factory=dict)
    confirmations: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """More than `above_units` in a listing's window is credited after so many confirmations at the earliest."""

    above_units: int
    confirmations: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One asset on one network. `contract` is None for the network's own asset; `decimals` belong to (network, contract).

    A deposit below `deposit_min_units` is dust, which would cost more to spend than it is worth; a withdrawal below
    `withdrawal_min_units` would cost others its network fee. Both in base units of the ledger. `steps` ask for more depth
    than the network calls final where one owner receives much within `steps_window_s`.

    Where one provider alone is believed, a deposit above `one_provider_max_units` waits for a person, and what is credited
    within 24 hours stays at or below `one_provider_day_max_units`. None: no such bound.
    """

    network: NetworkId
    asset: Asset
    contract: str | None
    decimals: int
    deposit_min_units: int = 0
    withdrawal_min_units: int = 0
    one_provider_max_units: int | None = None
    one_provider_day_max_units: int | None = None
    steps: tuple[Step, ...] = ()
    steps_window_s: int = 86_400


# ── value that arrives ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class BlockRef:
    height: int
    id: str


@dataclass(frozen=True, slots=True)
class Party:
    """The other side of a bank movement. Personal data: it goes to the vault and nowhere else."""

    name: str | None
    iban: str | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """Value that arrived at an address of ours, as the network shows it.

    `identity` names the arrival for ever and excludes the block: (tx hash, ordinal of the log within its receipt) on EVM,
    the outpoint on Bitcoin, (account, entry reference, detail index) at a bank. `address` is in the canonical form in
    which `derive` returned it; None when a bank movement carries no reference of ours (it is then unattributed). `doubt`
    is a reason not to believe it, or not to know whose it is ("balance_disagrees", "inexact", "ambiguous_reference"; the
    glossary has them all); such a deposit is quarantined, never credited as it stands. `booked` is False for what the
    network announces but has not yet put in a block (a pending bank entry).
    `confirmations_min` is what the network's own rules ask for before it can be spent (a miner's reward), 0 for nothing.
    `text` is the remittance information, personal data as well.
    """

    identity: str
    address: str | None
    amount: Amount
    tx: str
    doubt: str | None = None
    booked: bool = True
    confirmations_min: int = 0
    party: Party | None = None
    text: str | None = None


UNPROVEN_DOUBTS = frozenset({"balance_disagrees", "balance_unreadable", "balance_grew", "in_growth"})
"""Doubts of an `Incoming` that the network's own state does not bear out, or that tell of what is counted elsewhere. With any
other doubt the value is there, and only whose it is, or how much of it can be written down, is open."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A token at an address of ours whose contract this network does not list. A claim: no balance has proven it.

    `identity` names it for ever as an `Incoming`'s does, and excludes the block. `units` are the contract's own base units:
    nobody vouches for what they are worth, and `symbol` and `decimals` are what the contract says of itself, where it was
    asked, to be shown as such and never computed with.
    """

    identity: str
    address: str
    contract: str
    units: int
    tx: str
    symbol: str | None = None
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Value that a bank statement shows leaving without any submission of ours: charges, direct debits."""

    identity: str
    amount: Amount
    reason: str
    charge: bool


@dataclass(frozen=True, slots=True)
class Block:
    """One verified block with all that touches our address book. `parent` is the id at `height - 1`."""

    height: int
    id: str
    parent: str
    at: datetime
    incoming: tuple[Incoming, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    strays: tuple[Stray, ...] = ()
    strays_beyond: int = 0  # besides those that are told: a flood

    @property
    def ref(self) -> BlockRef:
        return BlockRef(self.height, self.id)


class AddressBook(Protocol):
    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        """Which of these are ours, in canonical form; they may be asked for in small letters, as nodes write them. Current at
        the moment of the call, across processes. Ours is also what was handed out on another network with the same keys."""


class Branch(StrEnum):
    """Customers' deposit addresses, and the node's own (index 0 is the hot address; operators fund it). A network that
    gives customers a second kind of address has a branch of keys for it, each with a counter of its own."""

    DEPOSIT = "deposit"
    HOUSE = "house"
    DEPOSIT_TAPROOT = "deposit-taproot"


@dataclass(frozen=True, slots=True)
class Derived:
    """An address made from public material only, with the path by which the signer finds its key."""

    address: str
    path: str


# ── value that leaves ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a withdrawal goes. On chains `address` only; on bank rails `address` is the IBAN and `name` its holder."""

    address: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One payment that a submission shall make. `reference` is a withdrawal's or a submission's id; banks carry it as
    EndToEndId (so it has at most 35 characters of A–Z a–z 0–9 and _ is mapped to - where a rail needs it)."""

    reference: str
    destination: Destination
    amount: Amount


@dataclass(frozen=True, slots=True)
class Utxo:
    outpoint: str  # "txid:index"
    units: int
    address: str
    path: str


@dataclass(frozen=True, slots=True)
class Fee:
    """`rate` in the network's own unit (wei per gas as max fee, satoshi per 1,000 virtual bytes, 0 at a bank), `tip` in wei
    per gas; `units` is what one ordinary withdrawal costs at that rate, in the network's fee asset."""

    rate: int
    units: Amount
    tip: int = 0


@dataclass(frozen=True, slots=True)
class NonceSource:
    address: str
    path: str
    nonce: int


@dataclass(frozen=True, slots=True)
class UtxoSource:
    """`available` are the inputs that may be used; `build` chooses. Change returns to `change`."""

    available: tuple[Utxo, ...]
    change: Derived


@dataclass(frozen=True, slots=True)
class FileSource:
    """A bank file is named once: its message id can never be used for another."""

    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A built submission. `payload` is all that the signer needs to decode and sign. `consumes` are the outpoints, or the
    single "address:nonce" or message id, that this submission uses up. `fee_max` is the most it can cost, in the fee asset.
    `change` is what comes back to us (Bitcoin), to be spendable once the submission is final; its outpoint is known
    because segwit tx ids do not depend on signatures."""

    payload: bytes
    consumes: tuple[str, ...]
    fee_max: Amount
    change: Utxo | None = None


class FundsShort(Exception):
    """The source given to `build` cannot pay for the instructions and the fee. Try again when more has arrived."""


@dataclass(frozen=True, slots=True)
class Signed:
    payload: bytes
    tx: str


class Fate(StrEnum):
    UNKNOWN = "unknown"  # the network does not know it; it may still arrive
    PENDING = "pending"
    INCLUDED = "included"
    FINAL = "final"
    DEAD = "dead"  # can never be included: its nonce or an input is finally used by something else


@dataclass(frozen=True, slots=True)
class Status:
    """`succeeded` is False for a tx that was included and reverted: the fee is paid, the value stayed."""

    fate: Fate
    block: BlockRef | None = None
    fee_paid: Amount | None = None
    succeeded: bool = True


@dataclass(frozen=True, slots=True)
class SubmissionRef:
    """What `submit` and `status` need to know of a submission."""

    id: SubmissionId
    tx: str
    payload: bytes
    consumes: tuple[str, ...]
    references: tuple[str, ...]


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
        """Unsigned bytes for these payments. Raises `FundsShort`."""

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
class Sweeping(Protocol):
    """What a network with `capabilities.sweeps` can tell besides."""

    async def transfer_cost(self, asset: Asset, source: str, target: str, fee: Fee) -> Amount:
        """The most that moving all of `asset` from `source` to `target` costs, in the fee asset. Raises `FundsShort`."""


# ── the signer ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Purpose(StrEnum):
    WITHDRAWAL = "withdrawal"
    SWEEP = "sweep"
    GAS_FUNDING = "gas_funding"
    RECOVERY = "recovery"  # a stray goes from a deposit address to where its owner wants it


@dataclass(frozen=True, slots=True)
class Approval:
    """An operator's Ed25519 key and signature over the digest of an exact act (`wallet.proposals.digest`), in hex."""

    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class SignRequest:
    """`references` are the withdrawals paid (empty for sweeps and gas funding), or the proposal of a recovery, whose approvals
    go with it. `paths` name the keys, in the order of the inputs. The signer believes none of it: it decodes `payload` and
    judges what that would do."""

    submission: SubmissionId
    network: NetworkId
    purpose: Purpose
    references: tuple[str, ...]
    payload: bytes
    paths: tuple[str, ...]
    approvals: tuple[Approval, ...] = ()


class Ground(StrEnum):
    """Why the signer says no: never under this policy; not before the window has moved on; or because it has already
    signed something for this withdrawal, nonce or input, so that our books and its memory contradict each other."""

    POLICY = "policy"
    WINDOW = "window"
    CONFLICT = "conflict"


class SignerRefused(Exception):
    """The signer says no; the message says which rule and carries no secret."""

    def __init__(self, reason: str, ground: Ground = Ground.POLICY) -> None:
        super().__init__(reason)
        self.ground = ground


class SignerUnavailable(Exception):
    """No signer answers, or it is locked. Says nothing about whether a signature was made."""


@dataclass(frozen=True, slots=True)
class SignerStatus:
    locked: bool
    reason: str | None
    networks: tuple[str, ...] = field(default=())


class Signer(Protocol):
    """The process that holds the keys which move money. It judges every byte for itself and believes nobody."""

    async def status(self) -> SignerStatus: ...

    async def public_keys(self) -> Mapping[str, str]:
        """Per network: the account-level extended public keys "deposit-xpub house-xpub" (chains) or the hex Ed25519 key
        that signs payout files (banks)."""

    async def check(self, request: SignRequest) -> None:
        """Dry run: raises `SignerRefused` if `sign` would refuse. Changes nothing."""

    async def sign(self, request: SignRequest) -> Signed:
        """The same request returns the same bytes and counts once. Raises `SignerRefused`, `SignerUnavailable`."""


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Between two looks at the world."""
