"""Signatures for payloads of the Bitcoin family: one witness per input, over all of the tx. P2WPKH here, taproot in `schnorr`.

What this prevents: a signature by the wrong key, or over anything but the payload. bitcoinlib computes what a P2WPKH
signature commits to (BIP-143); libsecp256k1 signs it in constant time, deterministically (RFC 6979) and with low s (BIP-146),
so the same payload always gives the same bytes. The result is read back before it is handed out.

bitcoinlib is imported here and nowhere else.
"""

import dataclasses
import importlib
import logging
import os
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any, Final

from coincurve import PrivateKey, PublicKey

from chains.bitcoin.address import P2TR_PURPOSE, address_of_key, purpose_of_path
from chains.bitcoin.bech32 import decode_segwit
from chains.bitcoin.decode import UtxoTx, decode, decode_signed
from chains.signer.signing.schnorr import key_path_digests, sign_key_path
from wallet.ports import Signed

_SIGHASH_ALL: Final = 1
_NETWORK: Final = "bitcoin"  # bitcoinlib wants one; scripts are given as bytes, so it decides nothing


class KeyMismatch(Exception):
    """The keys given are not those of the inputs, in their order. Carries no key."""


def sign(payload: bytes, private_keys: Sequence[bytes]) -> Signed:
    """The signed tx of an unsigned payload. Raises `PayloadMalformed` and `KeyMismatch`, before anything is signed."""
    decoded = decode(payload)
    keys = [PrivateKey(secret) for secret in private_keys]
    _check_keys(decoded, keys)
    signing = zip(decoded.inputs, keys, digests(decoded), strict=True)
    witnesses = tuple(_witness(purpose_of_path(spent.path), key, digest) for spent, key, digest in signing)
    signed = dataclasses.replace(decoded.raw, witnesses=witnesses).serialised()
    read_back = decode_signed(signed)
    if read_back.stripped() != decoded.raw.stripped():
        raise RuntimeError("the signed tx is not the one that was asked for")
    return Signed(signed, read_back.tx)


def _check_keys(decoded: UtxoTx, keys: Sequence[PrivateKey]) -> None:
    if len(keys) != len(decoded.inputs):
        raise KeyMismatch("there is not one key for each input")
    for key, spent in zip(keys, decoded.inputs, strict=True):
        if address_of_key(key.public_key.format(), purpose_of_path(spent.path), decoded.chain) != spent.address:
            raise KeyMismatch(f"the key for {spent.path} does not own {spent.address}")


def _witness(purpose: int, key: PrivateKey, digest: bytes) -> tuple[bytes, ...]:
    if purpose == P2TR_PURPOSE:
        return (sign_key_path(key, digest),)
    signature, public_key = key.sign(digest, hasher=None), key.public_key.format()
    if not PublicKey(public_key).verify(signature, digest, hasher=None):
        raise RuntimeError("a signature that was just made does not verify")
    return signature + bytes([_SIGHASH_ALL]), public_key


def digests(decoded: UtxoTx) -> list[bytes]:
    """What the signature of each input commits to: all inputs, all outputs, and the worth of that input (taproot: of all)."""
    assembled, taproot = assemble(decoded), key_path_digests(decoded)
    return [
        taproot(place)
        if purpose_of_path(spent.path) == P2TR_PURPOSE
        else assembled.signature_hash(place, _SIGHASH_ALL, "segwit")
        for place, spent in enumerate(decoded.inputs)
    ]


def assemble(decoded: UtxoTx) -> Any:
    """The same tx as a bitcoinlib `Transaction`, with what each input is worth.

    Everything goes in as hexadecimal text: bitcoinlib takes bytes that look like such text for it.
    """
    raw = decoded.raw
    assembled = _LIBRARY.Transaction(
        network=_NETWORK, witness_type="segwit", version=raw.version, locktime=raw.locktime
    )
    for spent, coin in zip(raw.inputs, decoded.inputs, strict=True):
        assembled.add_input(
            spent.parent,
            spent.index,
            public_hash=decode_segwit(coin.address)[2],
            sequence=spent.sequence,
            value=coin.units,
            witness_type="segwit",
        )
    for made in raw.outputs:
        assembled.add_output(made.units, lock_script=made.script.hex())
    return assembled


def _load_bitcoinlib() -> Any:
    """Importing bitcoinlib writes configuration, a log and a database folder into the home: here into a folder that is gone
    afterwards. Its log file goes too, since nothing of the signer may be written where nobody looks."""
    before = os.environ.get("BCL_DATA_DIR")
    with tempfile.TemporaryDirectory(prefix="bitcoinlib-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations and unclosed files
        os.environ["BCL_DATA_DIR"] = folder
        try:
            return importlib.import_module("bitcoinlib.transactions")
        finally:
            _restore_environment(before)
            _close_log()


def _restore_environment(before: str | None) -> None:
    os.environ.pop("BCL_DATA_DIR", None)
    if before is not None:
        os.environ["BCL_DATA_DIR"] = before


def _close_log() -> None:
    log = logging.getLogger("bitcoinlib")
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()


_LIBRARY: Final = _load_bitcoinlib()
