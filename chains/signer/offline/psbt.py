"""A payload of the Bitcoin family as a partially signed tx (BIP-174, taproot fields of BIP-371), for wallets that are not ours.

Each input says what it spends and where its key lies below the seed (BIP-32 fingerprint and path), the change as well, so that
a signer can tell that it comes back. Whatever comes back signed is compared with the payload, not believed.
"""

import base64
from collections.abc import Mapping

from bip32 import BIP32

from chains.bitcoin.address import P2TR_PURPOSE, purpose_of_path, script_of
from chains.bitcoin.decode import UtxoTx, decode
from chains.bitcoin.rawtx import string
from chains.child_keys import EXTERNAL, ChildKeys
from wallet.ports import Derived, Utxo

_MAGIC = b"psbt\xff"
_UNSIGNED_TX, _WITNESS_UTXO, _INPUT_KEY, _OUTPUT_KEY = b"\x00", b"\x01", b"\x06", b"\x02"
_TAPROOT_ORIGIN, _TAPROOT_KEY = b"\x16", b"\x17"
_NO_LEAVES = b"\x00"
_END = b"\x00"
_HARDENED = 2**31


class AccountPublicKeys:
    """The public keys below the accounts of one network, as the books have them; those of later hot keys they have not."""

    def __init__(self, public_keys: str, coin: int) -> None:
        accounts = (f"m/84'/{coin}'/0'", f"m/84'/{coin}'/1'", f"m/86'/{coin}'/0'")
        self._children: Mapping[str, ChildKeys] = {
            account: ChildKeys(*BIP32.from_xpub(text).get_extended_pubkey_from_path([EXTERNAL]))
            for account, text in zip(accounts, public_keys.split(), strict=False)
        }

    def public_key(self, path: str) -> bytes | None:
        above, _, index = path.rpartition("/")
        children = self._children.get(above.rpartition("/")[0])
        return None if children is None else children.public_key(int(index)).format()


def psbt_of(payload: bytes, fingerprint: str, keys: AccountPublicKeys) -> str:
    """In base64. Raises `PayloadMalformed`."""
    decoded = decode(payload)
    parts = [_MAGIC, _pair(_UNSIGNED_TX, decoded.raw.stripped()), _END]
    for coin in decoded.inputs:
        parts += [_input(coin, decoded, bytes.fromhex(fingerprint), keys), _END]
    for place in range(len(decoded.outputs)):
        change = decoded.change if place == decoded.change_index else None
        parts += [b"" if change is None else _change(change, bytes.fromhex(fingerprint), keys), _END]
    return base64.b64encode(b"".join(parts)).decode("ascii")


def _input(coin: Utxo, decoded: UtxoTx, fingerprint: bytes, keys: AccountPublicKeys) -> bytes:
    spent = coin.units.to_bytes(8, "little") + string(script_of(coin.address, decoded.chain))
    pairs = _pair(_WITNESS_UTXO, spent)
    key = keys.public_key(coin.path)
    if key is None:
        return pairs
    origin = fingerprint + _steps(coin.path)
    if purpose_of_path(coin.path) == P2TR_PURPOSE:
        return pairs + _pair(_TAPROOT_ORIGIN + key[1:], _NO_LEAVES + origin) + _pair(_TAPROOT_KEY, key[1:])
    return pairs + _pair(_INPUT_KEY + key, origin)


def _change(change: Derived, fingerprint: bytes, keys: AccountPublicKeys) -> bytes:
    key = keys.public_key(change.path)
    return b"" if key is None else _pair(_OUTPUT_KEY + key, fingerprint + _steps(change.path))


def _steps(path: str) -> bytes:
    steps = [int(one.rstrip("'")) + _HARDENED * one.endswith("'") for one in path.split("/")[1:]]
    return b"".join(step.to_bytes(4, "little") for step in steps)


def _pair(key: bytes, value: bytes) -> bytes:
    return string(key) + string(value)
