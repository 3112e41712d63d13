"""Signing an EVM tx of type 2 (EIP-1559): over keccak-256 of the payload, with libsecp256k1.

Nonces are RFC 6979's and s is low (EIP-2), so equal requests give equal bytes; tests compare them with eth-account's. What
this prevents: a signature over anything but the very payload, or by another key: the result is taken apart again.
"""

from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak

from chains.evm.decode import decode, encode_unsigned, tx_id, with_signature
from wallet.ports import Signed

_SCALAR_BYTES = 32
_PARITY = 2 * _SCALAR_BYTES  # where libsecp256k1's recoverable form has it, after r and s


class SignatureWrong(Exception):
    """What came out of the signing library is not a signature of our key over the very payload. It must not leave."""


def sign(payload: bytes, private_key: bytes, public_key: bytes) -> Signed:
    """Sign exactly `payload`. The result is taken apart again before it is believed. Raises `SignatureWrong`."""
    digest = keccak(payload)
    signature: bytes = PrivateKey(private_key).sign_recoverable(digest, hasher=None)
    raw = with_signature(payload, *_numbers(signature))
    signer = PublicKey.from_signature_and_message(signature, digest, hasher=None).format()
    if encode_unsigned(decode(raw)) != payload or signer != public_key:
        raise SignatureWrong("the signed tx is not the payload signed by our key")
    return Signed(raw, tx_id(raw))


def _numbers(signature: bytes) -> tuple[int, int, int]:
    """Y parity, r and s."""
    scalars = signature[:_SCALAR_BYTES], signature[_SCALAR_BYTES:_PARITY]
    return signature[_PARITY], int.from_bytes(scalars[0], "big"), int.from_bytes(scalars[1], "big")
