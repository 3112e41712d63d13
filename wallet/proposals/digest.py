"""What names an act: SHA-256 over its id, kind and content, each with its length, under a tag of its own.

The signer computes the same from what it decodes, so this is a format: it changes only together with its tag.
"""

import hashlib
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wallet.money import format_units

RECOVERY_KIND = "stray.recover"
WITHDRAWAL_KIND = "withdrawal.pay"
_TAG = b"coffer/proposal/1"
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
WORDS = 6  # 96 bits: nobody finds another act with the same words


def act_digest(proposal: str, kind: str, content: Mapping[str, str]) -> bytes:
    """32 bytes. Nobody signs or approves anything else."""
    texts = [proposal, kind, *(text for item in sorted(content.items()) for text in item)]
    parts = (_TAG, *(text.encode() for text in texts))
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def recovery_content(network: str, source: str, contract: str, target: str, units: int) -> dict[str, str]:
    """What a recovery does, in the one spelling that node and signer agree on: addresses of EIP-55, units in decimal."""
    return {"network": network, "source": source, "contract": contract, "target": target, "units": str(units)}


def withdrawal_content(network: str, asset: str, destination: str, units: int, decimals: int) -> dict[str, str]:
    """What paying a withdrawal does, as node and signer both spell it, each from what it knows itself: the address in the
    network's canonical spelling (EIP-55, bech32 in lower case; at a bank the IBAN without spaces), the amount as people read
    it, with all decimals that the asset has on that network."""
    return {"network": network, "asset": asset, "destination": destination, "amount": format_units(units, decimals)}


def withdrawal_digest(withdrawal: str, content: Mapping[str, str]) -> bytes:
    """What approvers of a withdrawal sign: its id takes the place that a proposal's has in other acts."""
    return act_digest(withdrawal, WITHDRAWAL_KIND, content)


def is_signed(digest: bytes, key: str, signature: str) -> bool:
    """Whether this Ed25519 key has signed exactly this digest (RFC 8032), both in hexadecimal. Anything malformed has not."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), digest)
    except (ValueError, InvalidSignature):
        return False
    return True


def digest_words(digest: bytes) -> str:
    """The digest's beginning in words that two people can read to each other: proquints (Wilkerson, arXiv:0901.4016)."""
    return "-".join(_proquint(digest[2 * place : 2 * place + 2]) for place in range(WORDS))


def _proquint(pair: bytes) -> str:
    bits = int.from_bytes(pair, "big")
    first, second = _CONSONANTS[bits >> 12], _VOWELS[bits >> 10 & 3]
    third, fourth = _CONSONANTS[bits >> 6 & 15], _VOWELS[bits >> 4 & 3]
    return f"{first}{second}{third}{fourth}{_CONSONANTS[bits & 15]}"
