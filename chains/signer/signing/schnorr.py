"""Signatures that spend taproot outputs of ours by their key path.

What this prevents: a signature over less than the whole tx. A taproot signature commits to what *every* input is worth and
to every input's script, so an input described falsely spoils them all. Made deterministically (without auxiliary
randomness, which BIP-340 allows), so the same payload always gives the same bytes. Sources: BIP-340, BIP-341.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from coincurve import PrivateKey, PublicKeyXOnly

from chains.bitcoin.address import script_of
from chains.bitcoin.decode import UtxoTx
from chains.bitcoin.rawtx import string
from chains.bitcoin.taproot import tagged_hash, tweak

_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # SEC 2, secp256k1
_EPOCH_AND_HASH_TYPE: Final = b"\x00\x00"  # SIGHASH_DEFAULT: everything is signed
_KEY_PATH_NO_ANNEX: Final = b"\x00"
_NO_RANDOMNESS: Final = bytes(32)


def key_path_digests(decoded: UtxoTx) -> Callable[[int], bytes]:
    """What the signature of the input at a place commits to (BIP-341, "Common signature message"). What all inputs share is
    hashed once."""
    raw, chain = decoded.raw, decoded.chain
    shared = b"".join([
        _EPOCH_AND_HASH_TYPE,
        raw.version.to_bytes(4, "little"),
        raw.locktime.to_bytes(4, "little"),
        _sha256(bytes.fromhex(spent.parent)[::-1] + spent.index.to_bytes(4, "little") for spent in raw.inputs),
        _sha256(coin.units.to_bytes(8, "little") for coin in decoded.inputs),
        _sha256(string(script_of(coin.address, chain)) for coin in decoded.inputs),
        _sha256(spent.sequence.to_bytes(4, "little") for spent in raw.inputs),
        _sha256(made.units.to_bytes(8, "little") + string(made.script) for made in raw.outputs),
        _KEY_PATH_NO_ANNEX,
    ])  # fmt: skip
    return lambda place: tagged_hash("TapSighash", shared + place.to_bytes(4, "little"))


def _sha256(parts: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def sign_key_path(key: PrivateKey, digest: bytes) -> bytes:
    """64 bytes, by the key that the output really names: ours and the tweak together."""
    tweaked = tweaked_key(key)
    signature: bytes = tweaked.sign_schnorr(digest, _NO_RANDOMNESS)
    if not PublicKeyXOnly.from_secret(tweaked.secret).verify(signature, digest):
        raise RuntimeError("a signature that was just made does not verify")
    return signature


def tweaked_key(key: PrivateKey) -> PrivateKey:
    """BIP-341's taproot_tweak_seckey without scripts."""
    public_key = key.public_key.format()
    secret = int.from_bytes(key.secret, "big")
    even = secret if public_key[0] == 2 else _CURVE_ORDER - secret
    tweaked: PrivateKey = PrivateKey(even.to_bytes(32, "big")).add(tweak(public_key[1:]))
    return tweaked
