"""The process that holds the keys which move money, as the core asks it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wallet.ids import NetworkId, SubmissionId
from wallet.ports.submissions import Signed


class Purpose(StrEnum):
    WITHDRAWAL = "withdrawal"
    SWEEP = "sweep"
    GAS_FUNDING = "gas_funding"
    GATHERING = "gathering"  # small coins of ours become one, at our own hot address
    ROTATION = "rotation"  # what an earlier hot address holds goes to the one that pays now
    RECOVERY = "recovery"  # a stray goes from a deposit address to where its owner wants it
    SELF_CANCEL = (
        "self_cancel"  # nothing goes to our own hot address, so that a nonce is used that nothing else was signed for
    )
    PAYOUT_SETUP = "payout_setup"  # makes the contract that pays many in one tx, or lets it move a token of ours


@dataclass(frozen=True, slots=True)
class Approval:
    """An operator's Ed25519 key and signature over the digest of an exact act (`wallet.proposals.digest`), in hex.
    `reference` is the withdrawal that is meant, where a submission pays many; empty in a recovery."""

    key: str
    signature: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class SignRequest:
    """`references` are the withdrawals paid (empty for sweeps and gas funding), or the proposal of a recovery, whose approvals
    go with it. Withdrawals above the signer's own threshold have approvals too, each its own. `paths` name the keys, in the
    order of the inputs. The signer believes none of it: it decodes `payload` and judges what that would do.

    `replacement` is 0 for the first bytes of a submission. Its n-th replacement asks for the same again at a higher network
    fee: the same nonce or inputs and the same payments to the unit."""

    submission: SubmissionId
    network: NetworkId
    purpose: Purpose
    references: tuple[str, ...]
    payload: bytes
    paths: tuple[str, ...]
    approvals: tuple[Approval, ...] = ()
    replacement: int = 0


class Ground(StrEnum):
    """Why the signer says no: never under this policy; not before the window has moved on; because it has already
    signed something for this withdrawal, nonce or input, so that our books and its memory contradict each other; because
    too few people have signed what it would do; not before people lift a stop that operators, or its own breaker, have
    set; or because another hot address pays by now (`coffer keys rotate`)."""

    POLICY = "policy"
    WINDOW = "window"
    APPROVALS = "approvals"
    CONFLICT = "conflict"
    STOPPED = "stopped"
    RETIRED = "retired"


class SignerRefused(Exception):
    """The signer says no; the message says which rule and carries no secret. On `Ground.APPROVALS`, `approvals` is how many
    people it takes, and `reference` the withdrawal that lacks them."""

    def __init__(self, reason: str, ground: Ground = Ground.POLICY, *, approvals: int = 0, reference: str = "") -> None:
        super().__init__(reason)
        self.ground = ground
        self.approvals = approvals
        self.reference = reference


BATCH_MAX = 64
"""Requests in one question: some 15 ms of the signer's time, so that whoever wants to stop it need not wait."""


class SignerUnavailable(Exception):
    """No signer answers, or it is locked. Says nothing about whether a signature was made."""


@dataclass(frozen=True, slots=True)
class SignerStop:
    """Nothing within `scope` is signed: "all", "network:NAME" or "asset:SYMBOL". `by` is "operators" or "breaker"; `at` in
    Unix seconds."""

    scope: str
    why: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class HotAddress:
    """The address that pays withdrawals on a network, as the signer's own file has it. `retiring` says that what was reserved
    from the one before it may still be signed."""

    network: str
    address: str
    path: str
    retiring: bool = False


@dataclass(frozen=True, slots=True)
class SignerStatus:
    locked: bool
    reason: str | None
    networks: tuple[str, ...] = field(default=())
    stops: tuple[SignerStop, ...] = field(default=())
    hot: tuple[HotAddress, ...] = ()
    certificate_key: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class SignerSeen:
    """How far the journal was when a node last showed it, and the newest submissions that were signed since people last
    vouched for both: a journal that lacks any of it is an older copy."""

    seq: int
    head: str
    submissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JournalKnows:
    """The journal's head; its hash where the signer saw it last (empty where there is no such Change); of the signer's
    submissions those that it does not know; and the newest that it knows to be signed."""

    seq: int
    head: str
    seen_hash: str
    unknown: tuple[str, ...]
    signed: tuple[str, ...]


class Signer(Protocol):
    """The process that holds the keys which move money. It judges every byte for itself and believes nobody."""

    async def status(self) -> SignerStatus: ...

    async def public_keys(self) -> Mapping[str, str]:
        """Per network: the account-level extended public keys "deposit-xpub house-xpub" (chains; where taproot addresses are
        given out "taproot-deposit-xpub" as the third) or the hex Ed25519 key that signs payout files (banks)."""

    async def check(self, request: SignRequest) -> None:
        """Dry run: raises `SignerRefused` if `sign` would refuse. Changes nothing."""

    async def stop(self, scope: str, why: str) -> SignerStatus:
        """From the answer on nothing within the scope is signed, nor given out again, until enrolled operators resume it. A
        scope that is stopped keeps its first reason. Raises `SignerRefused` for a scope that is none of this signer's, and
        `SignerUnavailable`."""

    async def sign(self, request: SignRequest) -> Signed:
        """The same request returns the same bytes and counts once. Raises `SignerRefused`, `SignerUnavailable`."""

    async def sign_many(self, requests: Sequence[SignRequest]) -> Sequence[Signed | SignerRefused]:
        """At most `BATCH_MAX`, each judged for itself and in order: an answer for each, and one refusal fails no other.
        Raises `SignerUnavailable`, and then no answer has left."""
