"""Taproot outputs that one key of ours can spend, and no script: made from public keys, as BIP-86 says.

What this prevents: an output with a hidden script path, which somebody else could spend. The output key commits to the
internal key alone, so that anybody who knows that one can prove it. Sources: BIP-340 (x-only keys, tagged hashes), BIP-341
(the tweak), BIP-86 (paths, and no scripts).
"""

import hashlib
from typing import Final

from coincurve import PublicKey

_EVEN: Final = b"\x02"  # BIP-340: an x-only key stands for the point with the even y


def tagged_hash(tag: str, octets: bytes) -> bytes:
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + octets).digest()


def tweak(internal_key: bytes) -> bytes:
    """What is added to the internal key (32 bytes, x-only). Without scripts there is no Merkle root to commit to."""
    return tagged_hash("TapTweak", internal_key)


def output_key(public_key: bytes) -> bytes:
    """The 32 bytes that the output's script carries, from a compressed public key of 33."""
    internal_key = public_key[1:]
    tweaked: bytes = PublicKey(_EVEN + internal_key).add(tweak(internal_key)).format()
    return tweaked[1:]
