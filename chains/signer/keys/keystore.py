"""The sealed seed: entropy of the operating system under argon2id and AES-256-GCM, in one file that is never replaced.

What this prevents: a seed that can be guessed (KEY-01), read from a disk or a backup (KEY-07), or overwritten by a second
initialisation; and a keystore that is paired with another signer's memory: `memory_id` is sealed with it.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from chains.signer.files import read_private
from chains.signer.keys.keys import ENTROPY_BYTES
from wallet import durable

FORMAT = "coffer/keystore/1"
FORMAT_AND_MORE = "coffer/keystore/2"  # BIP-39's passphrase is sealed behind the entropy
_FILE_BYTES_MAX = 16 * 1024
_SALT_BYTES = 16
_NONCE_BYTES = 12
_ITERATIONS, _MEMORY_KIB = 4, 64 * 1024  # RFC 9106's second option has 3 passes of 4 lanes; one lane gets one more
_LANES = 1  # more lanes share one thread pool, where two derivations at once deadlock (measured, cryptography 50)
_ITERATIONS_MAX, _MEMORY_KIB_MAX = 64, 4 * 1024 * 1024  # a damaged file must not stop the machine


class KeystoreRefused(Exception):
    """The keystore cannot be opened or made. The message never carries a secret."""


@dataclass(frozen=True, slots=True)
class Unlocked:
    """`memory_id` names the one memory that belongs to this seed; `words_passphrase` is BIP-39's, mostly empty."""

    entropy: bytes = field(repr=False)
    memory_id: str
    words_passphrase: str = field(default="", repr=False)


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is written in clear and authenticated with the seed."""

    format: str
    memory_id: str
    iterations: int
    lanes: int
    memory_kib: int
    salt: str
    nonce: str


class _Keystore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: _Header
    sealed: str


def new_unlocked(words_passphrase: str = "") -> Unlocked:
    """A fresh seed from the operating system's entropy, not stored yet."""
    return with_new_memory(secrets.token_bytes(ENTROPY_BYTES), words_passphrase)


def with_new_memory(entropy: bytes, words_passphrase: str = "") -> Unlocked:
    """A seed that exists, such as one restored from words, with a name for a memory of its own."""
    return Unlocked(entropy, f"mem_{secrets.token_hex(16)}", words_passphrase)


def create_keystore(file: Path, unlocked: Unlocked, passphrase: bytes) -> None:
    """Seal the seed into a new file. Raises `KeystoreRefused` if there is one already."""
    header = _Header(
        format=FORMAT_AND_MORE if unlocked.words_passphrase else FORMAT,
        memory_id=unlocked.memory_id,
        iterations=_ITERATIONS,
        lanes=_LANES,
        memory_kib=_MEMORY_KIB,
        salt=secrets.token_hex(_SALT_BYTES),
        nonce=secrets.token_hex(_NONCE_BYTES),
    )
    key = _stretch(header, passphrase)
    secret = unlocked.entropy + unlocked.words_passphrase.encode()
    sealed = AESGCM(key).encrypt(bytes.fromhex(header.nonce), secret, msgspec.json.encode(header))
    content = msgspec.json.format(msgspec.json.encode(_Keystore(header, sealed.hex())), indent=2)
    try:
        durable.create(file, content + b"\n")
    except FileExistsError:
        raise KeystoreRefused(f"{file} exists; a keystore is never replaced") from None


def open_keystore(file: Path, passphrase: bytes) -> Unlocked:
    """Unseal the seed. Raises `KeystoreRefused`, `FileUnsafe` for a mode other than 0600."""
    keystore = _read(file)
    header = keystore.header
    try:
        key = _stretch(header, passphrase)
        secret = AESGCM(key).decrypt(
            bytes.fromhex(header.nonce), bytes.fromhex(keystore.sealed), msgspec.json.encode(header)
        )
    except (InvalidTag, ValueError):
        raise KeystoreRefused(f"{file} does not open: wrong passphrase, or damaged") from None
    return Unlocked(secret[:ENTROPY_BYTES], header.memory_id, secret[ENTROPY_BYTES:].decode())


def _read(file: Path) -> _Keystore:
    try:
        keystore = msgspec.json.decode(read_private(file, bytes_max=_FILE_BYTES_MAX), type=_Keystore)
    except FileNotFoundError:
        raise KeystoreRefused(f"{file} is missing") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise KeystoreRefused(f"{file} is no keystore") from None
    header = keystore.header
    bounded = 0 < header.iterations <= _ITERATIONS_MAX and 0 < header.memory_kib <= _MEMORY_KIB_MAX
    if header.format not in {FORMAT, FORMAT_AND_MORE} or header.lanes != _LANES or not bounded:
        raise KeystoreRefused(f"{file} is of a format that this version does not know")
    return keystore


def _stretch(header: _Header, passphrase: bytes) -> bytes:
    """The file's key. Slow and memory-hungry on purpose: about a fifth of a second and 64 MiB."""
    return Argon2id(
        salt=bytes.fromhex(header.salt),
        length=32,
        iterations=header.iterations,
        lanes=header.lanes,
        memory_cost=header.memory_kib,
    ).derive(passphrase)
