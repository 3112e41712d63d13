"""A certificate says that the signer itself has derived an address for one owner: its holder checks it offline.

What this prevents: a deposit address that somebody with the database, or on the way to the customer, has put in the place of
ours. The signer vouches for nothing that does not lie below its own keys; whose the address is it is told by the node.

Many addresses are vouched for by one signature: each is a leaf of a Merkle tree (RFC 9162), and the certificate has the way
from there to the root, which is signed.

    leaf       sha256(tag ‖ canonical JSON of network, address, path, owner's digest, time)
    signature  Ed25519(tag ‖ size ‖ root)     by a key of the seed that moves nothing
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wallet.journal.receipts import ReceiptMalformed, Tree, root_of

ENTRIES_MAX = 1_000  # under one signature: some 60 ms of the signer's time
LEAF_BYTES = 32
_OWNER_TAG = b"coffer/address-owner/1\n"
_LEAF_TAG = b"coffer/address-certificate/leaf/1\n"
_ROOT_TAG = b"coffer/address-certificate/root/1\n"


class CertificateRefused(Exception):
    """This certificate proves nothing. The message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One address of an owner, who is named by a digest alone; `at` is when it was handed out, as the journal writes time."""

    network: str
    address: str
    path: str
    owner: str
    at: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """What the signer answers: its certificate key and its signature over the root, in hex."""

    key: str
    signature: str


@runtime_checkable
class Certifying(Protocol):
    """A signer that vouches for addresses."""

    async def certify(self, entries: Sequence[Entry]) -> Vouched:
        """Raises `SignerRefused` for an address that is not at its path, `SignerUnavailable`."""


def owner_digest(owner: str) -> str:
    """Names an owner to those who know the id, and to nobody else."""
    return hashlib.sha256(_OWNER_TAG + owner.encode()).hexdigest()


def leaf_of(entry: Entry) -> bytes:
    named = {name: getattr(entry, name) for name in ("network", "address", "path", "owner", "at")}
    text = json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(_LEAF_TAG + text.encode()).digest()


def signed_message(leaves: Sequence[bytes]) -> bytes:
    """What is signed for these addresses, in this order."""
    return _message(len(leaves), Tree(leaves).root)


def _message(size: int, root: bytes) -> bytes:
    """The size is signed as well: one way fits into trees of several."""
    return _ROOT_TAG + size.to_bytes(8, "big") + root


def split_leaves(leaves: bytes) -> list[bytes]:
    return [leaves[start : start + LEAF_BYTES] for start in range(0, len(leaves), LEAF_BYTES)]


@dataclass(frozen=True, slots=True)
class Certificate:
    """`index` of `size` leaves and the `path` to the root that is signed, all in hex."""

    entry: Entry
    index: int
    size: int
    way: tuple[str, ...]
    key: str
    signature: str
    v: int = field(default=1)

    def fields(self) -> dict[str, Any]:
        """As JSON values."""
        return json.loads(msgspec.json.encode(self))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises `CertificateRefused`."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CertificateRefused(f"this is no certificate: {error}") from None


def certificate_of(entry: Entry, leaves: bytes, key: str, signature: str) -> Certificate | None:
    """None if the batch does not vouch for exactly this entry."""
    parts = split_leaves(leaves)
    try:
        index = parts.index(leaf_of(entry))
    except ValueError:
        return None
    way = tuple(one.hex() for one in Tree(parts).path(index))
    return Certificate(entry, index, len(parts), way, key, signature)


def verify_certificate(certificate: Certificate, key: str, owner: str | None = None) -> None:
    """By a public key that its holder has from elsewhere, and for the owner who is meant. Raises `CertificateRefused`."""
    if certificate.v != 1:
        raise CertificateRefused(f"it is of version {certificate.v}, and this release knows 1")
    if certificate.key != key.lower():
        raise CertificateRefused("it was signed by another key than the one that you trust")
    if owner is not None and certificate.entry.owner != owner_digest(owner):
        raise CertificateRefused("the address is somebody else's")
    try:
        way = [bytes.fromhex(one) for one in certificate.way]
        root = root_of(leaf_of(certificate.entry), certificate.index, certificate.size, way)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(
            bytes.fromhex(certificate.signature), _message(certificate.size, root)
        )
    except (ReceiptMalformed, ValueError, InvalidSignature):
        raise CertificateRefused("its signature does not fit: something in it was changed") from None


def is_signed(leaves: bytes, key: str, signature: str) -> bool:
    """Whether a whole batch is what the signer has signed."""
    try:
        message = signed_message(split_leaves(leaves))
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), message)
    except (ValueError, InvalidSignature):
        return False
    return True
