"""Signing a payout file: Ed25519 (RFC 8032, deterministic) over a domain tag and the file's digest, written before the file."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.sepa.decode import signing_bytes, split_signed, tx_of
from wallet.ports import Signed


def sign(payload: bytes, private_key: Ed25519PrivateKey) -> Signed:
    return rejoin(private_key.sign(signing_bytes(payload)), payload)


def signature_of(signed: Signed) -> bytes:
    """The part that the memory keeps: a payout file names people, its signature does not."""
    return split_signed(signed.payload)[0]


def rejoin(signature: bytes, payload: bytes) -> Signed:
    """The signed file again, from the kept signature and the same payload."""
    return Signed(signature + payload, tx_of(payload))
