"""Value that leaves: what a submission pays, spends, costs, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.ids import SubmissionId
from wallet.money import Amount
from wallet.ports.addresses import Derived
from wallet.ports.arrivals import BlockRef


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
    """`rate` in the network's own unit (wei per gas as max fee, base units per 1,000 virtual bytes, 0 at a bank), `tip` in wei
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
    `change` is what comes back to us where coins are unspent outputs, to be spendable once the submission is final; its
    outpoint is known because segwit tx ids do not depend on signatures."""

    payload: bytes
    consumes: tuple[str, ...]
    fee_max: Amount
    change: Utxo | None = None


class FundsShort(Exception):
    """The source given to `build` cannot pay for the instructions and the fee. Try again when more has arrived."""


class NotTogether(Exception):
    """`build` makes each of these payments, but not all of them in one submission. `alone` are the references of those that
    need one of their own; where it is empty there are too many."""

    def __init__(self, reason: str, alone: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.alone = alone


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
    """`succeeded` is False for a tx that was included and reverted: the fee is paid, the value stayed. `failed` are those of
    the submission's references that it did not pay though it succeeded: their value stayed, the others have theirs. `doubt`
    is why nobody can say whether the value moved: then nothing is booked until a person has looked."""

    fate: Fate
    block: BlockRef | None = None
    fee_paid: Amount | None = None
    succeeded: bool = True
    failed: tuple[str, ...] = ()
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class SubmissionRef:
    """What `submit` and `status` need to know of a submission."""

    id: SubmissionId
    tx: str
    payload: bytes
    consumes: tuple[str, ...]
    references: tuple[str, ...]
