"""Receipts: what lets a holder prove, without us and for ever, that the Journal accepted a Change at its place.

    claim ──▶ leaf ──▶ tree of a batch (RFC 9162) ──▶ root ──▶ one signature per batch: head, time and root (RFC 8032)

What this prevents: an operator who denies a Change that was confirmed (the signature binds its hash in the chain, and a
journal without that hash convicts whoever signed); a leaf taken for an inner node or one record for another (each hash has
a prefix and fixed places); a customer who reads our volume off a receipt (no sequence stands in it, only opaque hashes).
The same signature serves as a signed head of the journal.

    ReceiptRefused
    ├── ReceiptMalformed    not a receipt, or one whose parts contradict each other
    ├── ReceiptOfOtherKey   signed, it says, by a key that was not asked about
    └── ReceiptForged       the signature does not cover what the receipt says
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wallet.journal.body import result_of, time_text
from wallet.journal.chain import microseconds

CLAIM_VERSION = 1
BATCH_LEAVES_MAX = 4_000  # as many Changes as one transaction of the Journal ever took (`lanes.BATCH_MAX` now)
HASH_BYTES = 32
_HASH_DIGITS = 2 * HASH_BYTES
_SIGNATURE_BYTES = 64
_LEAF = b"\x00coffer/receipt/2"
_NODE = b"\x01"
_HEAD_TAG = b"coffer/head/1"
_encode = msgspec.json.Encoder(order="deterministic").encode


class ReceiptRefused(Exception):
    """This does not prove what it says."""


class ReceiptMalformed(ReceiptRefused):
    def __init__(self, reason: str) -> None:
        super().__init__(f"not a receipt: {reason}")


class ReceiptOfOtherKey(ReceiptRefused):
    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(f"the receipt names the key {found}, and not {wanted}")


class ReceiptForged(ReceiptRefused):
    def __init__(self, key: str) -> None:
        super().__init__(
            f"the signature of {key} does not cover this receipt: its claim, place, path, head, time or signature was changed"
        )


# ── what is claimed ──────────────────────────────────────────────────────────────────────────────────────────────────


def claim_of(at_text: bytes, kind: str, request: bytes | msgspec.Raw, result: bytes | msgspec.Raw) -> bytes:
    """What a holder can understand: when, what, which request of whose, and what was answered. `at_text` is the batch's time
    by `time_text`; the others are parts of the body as they stand there, canonical already."""
    return b'{"at":"%b","kind":"%b","request":%b,"result":%b,"v":%d}' % (
        at_text,
        kind.encode(),
        request,
        result,
        CLAIM_VERSION,
    )


def body_claim(at: datetime, body: Mapping[str, Any]) -> bytes:
    """The same bytes again, of the decoded body of its journal row."""
    return claim_of(time_text(at).encode(), body["kind"], _encode(body["request"]), _encode(result_of(body)))


def sealed_claim(at_text: bytes, kind: str, request: msgspec.Raw, data: msgspec.Raw, result: msgspec.Raw) -> bytes:
    """The same bytes, of the parts of a body that says null where the answer is the event itself."""
    return claim_of(at_text, kind, request, data if bytes(result) == b"null" else result)


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def leaf(chain_hash: bytes, claim: bytes) -> bytes:
    """Of a Change: its hash in the chain (32 bytes), then what is claimed of it."""
    return hashlib.sha256(_LEAF + chain_hash + claim).digest()


class Tree:
    """The Merkle tree of RFC 9162 §2.1 over the leaves of one batch, by `leaf`: at least one.

    Built level by level, the odd one out moving up: the same tree as the RFC's splitting at powers of two."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        if not leaves:
            raise ValueError("a batch without Changes has no tree")
        level, digest = b"".join(leaves), hashlib.sha256
        self._levels = [level]  # each the hashes of a level, one after the other
        while len(level) > HASH_BYTES:
            pairs = range(0, len(level) - HASH_BYTES, 2 * HASH_BYTES)
            above = [digest(_NODE + level[first : first + 2 * HASH_BYTES]).digest() for first in pairs]
            if len(level) % (2 * HASH_BYTES):
                above.append(level[-HASH_BYTES:])
            level = b"".join(above)
            self._levels.append(level)

    @property
    def size(self) -> int:
        return len(self._levels[0]) // HASH_BYTES

    @property
    def root(self) -> bytes:
        return self._levels[-1]

    def path(self, index: int) -> tuple[bytes, ...]:
        """The hashes beside the way from a leaf to the root, lowest first (RFC 9162 §2.1.3.1)."""
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} of {self.size}")
        beside = []
        for level in self._levels[:-1]:
            first = (index ^ 1) * HASH_BYTES
            if first < len(level):
                beside.append(level[first : first + HASH_BYTES])
            index >>= 1
        return tuple(beside)


def root_of(found: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf and its path lead to. Raises `ReceiptMalformed` if the path does not fit the place."""
    if not 0 <= index < size <= BATCH_LEAVES_MAX:
        raise ReceiptMalformed(f"place {index} of {size}")
    left_over, last = list(reversed(path)), size - 1
    while last:
        if index ^ 1 <= last:
            if not left_over:
                raise ReceiptMalformed("its path is too short")
            beside = left_over.pop()
            pair = beside + found if index & 1 else found + beside
            found = hashlib.sha256(_NODE + pair).digest()
        index, last = index >> 1, last >> 1
    if left_over:
        raise ReceiptMalformed("its path is too long")
    return found


# ── the signature ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class JournalKey:
    """The node's Ed25519 key (RFC 8032) for receipts and heads. It can move no money. `id` is the public key in hex."""

    id: str
    _private: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Of 32 bytes, such as `node.compose.kept_secret` keeps. Raises ValueError on another length."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(private.public_key().public_bytes_raw().hex(), private)

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


def signed_message(head_hash: bytes, at: datetime, root: bytes) -> bytes:
    """Tag, hash of the batch's last row (32 bytes), time in microseconds (8 bytes, big-endian), root (32 bytes)."""
    if len(head_hash) != HASH_BYTES or len(root) != HASH_BYTES:
        raise ValueError("head and root have 32 bytes each")
    return _HEAD_TAG + head_hash + microseconds(at).to_bytes(8, "big") + root


def sign_batch(key: JournalKey, head_hash: bytes, at: datetime, root: bytes) -> bytes:
    """64 bytes: the signature of a batch's receipts and of the head that the batch left behind."""
    return key.sign(signed_message(head_hash, at, root))


def is_signed(public_key: str, head_hash: bytes, at: datetime, root: bytes, signature: bytes) -> bool:
    """False as well for a text that is no public key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(signature, signed_message(head_hash, at, root))
    except (InvalidSignature, ValueError):
        return False
    return True


# ── the receipt ──────────────────────────────────────────────────────────────────────────────────────────────────────


class _Wire(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A receipt's JSON. The claim is a text in it, so that nobody who passes it on can change its bytes unnoticed."""

    claim: str
    chain: str
    index: int
    size: int
    path: tuple[str, ...]
    head: str
    at: str
    key: str
    signature: str


_read = msgspec.json.Decoder(_Wire).decode


@dataclass(frozen=True, slots=True)
class Receipt:
    """`claim` are the claim's bytes, `chain` the Change's hash in the journal; `index` and `size` its place in its batch's
    tree and `path` the way from there to the root; `head` the hash of the batch's last row; `key` who signed."""

    claim: bytes
    chain: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    head: bytes
    at: datetime
    key: str
    signature: bytes

    def fields(self) -> dict[str, object]:
        """As JSON values."""
        wire = self._wire()
        return {**msgspec.structs.asdict(wire), "path": list(wire.path)}

    def to_json(self) -> str:
        return _encode(self._wire()).decode()

    def _wire(self) -> _Wire:
        path = b"".join(self.path).hex()
        return _Wire(
            claim=self.claim.decode(),
            chain=self.chain.hex(),
            index=self.index,
            size=self.size,
            path=tuple([path[first : first + _HASH_DIGITS] for first in range(0, len(path), _HASH_DIGITS)]),
            head=self.head.hex(),
            at=time_text(self.at),
            key=self.key,
            signature=self.signature.hex(),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises `ReceiptMalformed`."""
        try:
            wire = _read(text)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ReceiptMalformed(str(error)) from error
        return cls(
            wire.claim.encode(),
            _bytes("chain", wire.chain),
            wire.index,
            wire.size,
            tuple(_bytes("path", one) for one in wire.path),
            _bytes("head", wire.head),
            _time(wire.at),
            _bytes("key", wire.key).hex(),
            _bytes("signature", wire.signature, _SIGNATURE_BYTES),
        )


def _bytes(name: str, text: str, size: int = HASH_BYTES) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != size or len(text) != 2 * size:
        raise ReceiptMalformed(f"{name} is not {size} bytes in hex")
    return found


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ReceiptMalformed("at is not a time") from error
    if at.tzinfo is None or time_text(at) != text:
        raise ReceiptMalformed("at is not a time in UTC with microseconds")
    return at


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """A batch's tree and signature, for making receipts out of it when somebody asks. `leaves` are kept by the tree."""

    tree: Tree
    head: bytes
    at: datetime
    key: str
    signature: bytes

    def receipt(self, index: int, chain_hash: bytes, claim: bytes) -> Receipt:
        path = self.tree.path(index)
        return Receipt(claim, chain_hash, index, self.tree.size, path, self.head, self.at, self.key, self.signature)


def verify_receipt(receipt: Receipt, public_key: str) -> dict[str, Any]:
    """The claim that it proves, by a public key in hex that its holder has from elsewhere. Raises `ReceiptRefused`."""
    if receipt.key != public_key.lower():
        raise ReceiptOfOtherKey(receipt.key, public_key)
    try:
        claim: dict[str, Any] = msgspec.json.decode(receipt.claim, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ReceiptMalformed("its claim is not JSON") from error
    if claim.get("v") != CLAIM_VERSION:
        raise ReceiptMalformed(f"its claim has version {claim.get('v')}, and this release knows {CLAIM_VERSION}")
    if claim.get("at") != time_text(receipt.at):
        raise ReceiptMalformed("its claim has another time")
    root = root_of(leaf(receipt.chain, receipt.claim), receipt.index, receipt.size, receipt.path)
    if not is_signed(receipt.key, receipt.head, receipt.at, root, receipt.signature):
        raise ReceiptForged(receipt.key)
    return claim


def receipt_view(receipt: Receipt | None) -> dict[str, object] | None:
    """The `receipt` of an API answer; None for Changes from before receipts were made."""
    return None if receipt is None else receipt.fields()
