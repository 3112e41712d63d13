"""One submission, signed on a machine that has the seed and nothing else: no node, no database, no network.

What this prevents: signing what one does not see, and taking back what is not what was reserved. The machine shows in words
what it has decoded itself; whatever comes back must be exactly the reserved payload under signatures of exactly its keys.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from coincurve import PublicKey, PublicKeyXOnly
from eth_account import Account
from eth_hash.auto import keccak
from eth_keys.exceptions import BadSignature

from chains.bitcoin.address import P2TR_PURPOSE, hash160, purpose_of_path, script_of
from chains.bitcoin.decode import UtxoTx, decode_signed
from chains.bitcoin.decode import decode as decode_utxo
from chains.evm.address import public_key_address
from chains.evm.decode import EvmTx, decode, encode_unsigned, tx_id
from chains.evm.payout import Payout
from chains.signer.keys.keys import Keys
from chains.signer.signing import bitcoin, evm
from wallet.ports import Signed

_SIGHASH_ALL = b"\x01"


class OfflineRefused(ValueError):
    """This is not what may be signed or taken. The message says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """What goes to the machine with the seed. `payload` in hex; `psbt` is the same for other wallets, on Bitcoin."""

    kind: str
    network: str
    submission: str
    purpose: str
    source: str
    paths: tuple[str, ...]
    payload: str
    psbt: str | None = None
    v: int = 1

    @property
    def octets(self) -> bytes:
        return bytes.fromhex(self.payload)


def read_order(text: str | bytes) -> Order:
    """Raises `OfflineRefused`."""
    try:
        order = msgspec.json.decode(text, type=Order)
        order.octets  # noqa: B018 (is it hexadecimal?)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise OfflineRefused("this is no order of `coffer offline export`") from None
    if order.v != 1 or order.kind not in {"evm", "bitcoin"}:
        raise OfflineRefused("the order is of a version or kind that this release does not know")
    return order


def words_of_order(order: Order) -> list[str]:
    """What it would do, decoded here, and the digest to compare with what the other machine shows. Raises `ValueError`."""
    lines = [f"{order.purpose} {order.submission} on {order.network}, from {order.source}"]
    if order.kind == "evm":
        tx = decode(order.octets)
        lines += _payments(tx)
        lines.append(f"chain {tx.chain_id}, nonce {tx.nonce}, at most {tx.fee_max_wei} wei of network fee")
    else:
        tx_ = decode_utxo(order.octets)
        lines += [f"pays {one.units} units to {one.address}" for one in tx_.payments]
        lines.append(f"spends {len(tx_.inputs)} outputs of ours; network fee {tx_.fee_units} units of {tx_.chain.name}")
        if tx_.change is not None:
            lines.append(f"the rest comes back to {tx_.change.address} ({tx_.change.path})")
    return [*lines, f"digest {digest_of(order)}"]


def _payments(tx: EvmTx) -> list[str]:
    if tx.transfer is not None:
        return [f"pays {tx.transfer.units} units of the token {tx.target} to {tx.transfer.target}"]
    if isinstance(tx.act, Payout):
        of = "wei" if tx.act.token is None else f"units of the token {tx.act.token}"
        return [f"pays {one.units} {of} to {one.target}, through {tx.target}" for one in tx.act.payments]
    if tx.act is not None or tx.calldata:
        raise OfflineRefused("it pays nobody, and only payments are signed offline")
    return [f"pays {tx.value} wei to {tx.target}"]


def digest_of(order: Order) -> str:
    """On EVM the very hash that is signed; on Bitcoin SHA-256 of the payload, whose inputs are signed one by one."""
    return keccak(order.octets).hex() if order.kind == "evm" else hashlib.sha256(order.octets).hexdigest()


def sign_order(order: Order, keys: Keys) -> Signed:
    """Raises `OfflineRefused` where the seed does not lead to what is spent, and the payload's own errors."""
    if order.kind == "evm":
        (path,) = order.paths[:1]
        if public_key_address(keys.public_key(path)) != order.source:
            raise OfflineRefused("these words are not the seed of the address that pays")
        return evm.sign(order.octets, keys.reveal_private_key(path), keys.public_key(path))
    try:
        signed = bitcoin.sign(order.octets, [keys.reveal_private_key(path) for path in order.paths])
    except bitcoin.KeyMismatch:
        raise OfflineRefused("these words are not the seed of the coins that are spent") from None
    return signed


def taken(order: Order, signed: bytes) -> Signed:
    """The signed bytes as they may be stored and sent. Raises `OfflineRefused` for all but the payload, signed by its keys."""
    try:
        return _taken_evm(order, signed) if order.kind == "evm" else _taken_utxo(order, signed)
    except OfflineRefused:
        raise
    except ValueError as error:
        raise OfflineRefused(f"the signed bytes are no tx of this kind: {error}") from None


def _taken_evm(order: Order, signed: bytes) -> Signed:
    if decode(signed).signature is None or encode_unsigned(decode(signed)) != order.octets:
        raise OfflineRefused("the signed tx is another one than was reserved")
    if _signer_of(signed) != order.source:
        raise OfflineRefused("the tx was signed by another key than that of the address which pays")
    return Signed(signed, tx_id(signed))


def _signer_of(signed: bytes) -> str | None:
    """None for a signature that no key can have made."""
    try:
        return str(Account.recover_transaction(signed))
    except BadSignature:
        return None


def _taken_utxo(order: Order, signed: bytes) -> Signed:
    decoded, raw = decode_utxo(order.octets), decode_signed(signed)
    if raw.stripped() != decoded.raw.stripped():
        raise OfflineRefused("the signed tx is another one than was reserved")
    digests = bitcoin.digests(decoded)
    for place, witness in enumerate(raw.witnesses):
        if not _is_signed(decoded, place, witness, digests[place]):
            raise OfflineRefused(f"input {place} is not signed by its own key over the whole tx")
    return Signed(signed, raw.tx)


def _is_signed(decoded: UtxoTx, place: int, witness: Sequence[bytes], digest: bytes) -> bool:
    coin = decoded.inputs[place]
    script = script_of(coin.address, decoded.chain)
    try:
        if purpose_of_path(coin.path) == P2TR_PURPOSE:
            return len(witness) == 1 and bool(PublicKeyXOnly(script[2:]).verify(witness[0], digest))
        signature, key = witness
        owned = hash160(key) == script[2:] and signature.endswith(_SIGHASH_ALL)
        return owned and bool(PublicKey(key).verify(signature[:-1], digest, hasher=None))
    except ValueError:
        return False
