"""One sealed item: AES-256-GCM under the person's key, bound to its place, with a commitment for the journal.

What this prevents: a ciphertext that is moved to another person, kind or id and still opens; a value that is changed
without the journal's commitment telling; two different (salt, value) pairs with one commitment.

    VaultError
    ├── PersonErased         the key was destroyed on purpose; nothing brings the item back
    └── VaultItemUnreadable  wrong key, wrong place, or damaged: never a wrong value served as right
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wallet.ids import VaultItemId

KEY_BYTES = 32
SALT_BYTES_MIN = 16  # a name or an IBAN is guessable; the salt is what hides it behind its commitment
SALT_BYTES_MAX = 64
VALUE_BYTES_MAX = 64 * 1024 * 1024  # a bank's daily statement file with room; AES-GCM itself would take 2^36
_VERSION = 1
_NONCE_BYTES = 12  # NIST SP 800-38D; random, which is safe for 2^32 items of one person
_COMMITMENT_TAG = b"coffer/vault-commitment/1"
_PLACE_TAG = b"coffer/vault-item"


class VaultError(Exception):
    """Personal data that cannot be had."""


class PersonErased(VaultError):
    """This person was erased on request; their items cannot be read or added to any more."""

    def __init__(self, person: str) -> None:
        super().__init__(f"{person} was erased")
        self.person = person


class VaultItemUnreadable(VaultError):
    """The item does not open under its person's key at its place, or does not match its commitment."""

    def __init__(self, item: VaultItemId) -> None:
        super().__init__(f"{item} cannot be read: wrong key, wrong place, or damaged")
        self.item = item


class ItemKind(StrEnum):
    NAME = "name"
    EMAIL = "email"
    IBAN = "iban"
    NOTE = "note"
    PARTY = "party"
    DESTINATION = "destination"
    APPROVAL = "approval"
    STATEMENT_FILE = "statement_file"
    PAYOUT_FILE = "payout_file"


@dataclass(frozen=True, slots=True)
class SealedItem:
    """`commitment` is sha256(tag ‖ length ‖ salt ‖ length ‖ value): what the journal carries instead of the value."""

    id: VaultItemId
    person: str
    kind: ItemKind
    ciphertext: bytes = field(repr=False)
    commitment: bytes


@dataclass(frozen=True, slots=True)
class PersonKey:
    """32 bytes that open everything of one person. Its text form shows nothing, so that no log can."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a person's key has {KEY_BYTES} bytes")


def commit(salt: bytes, value: bytes) -> bytes:
    """The commitment to a value. Length prefixes keep (salt, value) pairs apart that concatenate to the same bytes."""
    return hashlib.sha256(_prefixed(_COMMITMENT_TAG, salt, value)).digest()


def seal_item(
    key: PersonKey, *, item: VaultItemId, person: str, kind: ItemKind, value: bytes, salt: bytes
) -> SealedItem:
    """Seal `value` at its place. The salt travels inside the ciphertext, so erasing the key erases both.

    Refuses with `ValueError` a salt outside 16 to 64 bytes and a value above `VALUE_BYTES_MAX`.
    """
    if not SALT_BYTES_MIN <= len(salt) <= SALT_BYTES_MAX:
        raise ValueError(f"a salt has {SALT_BYTES_MIN} to {SALT_BYTES_MAX} bytes")
    if len(value) > VALUE_BYTES_MAX:
        raise ValueError(f"a vault item has at most {VALUE_BYTES_MAX} bytes")
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key.secret).encrypt(nonce, bytes([len(salt)]) + salt + value, _place(person, kind, item))
    return SealedItem(item, person, kind, bytes([_VERSION]) + nonce + sealed, commit(salt, value))


def open_item(key: PersonKey, item: SealedItem) -> bytes:
    """The value, proven to be the one sealed at this place and committed to. Raises `VaultItemUnreadable`."""
    version, nonce, sealed = (
        item.ciphertext[:1],
        item.ciphertext[1 : 1 + _NONCE_BYTES],
        item.ciphertext[1 + _NONCE_BYTES :],
    )
    if version != bytes([_VERSION]) or len(nonce) != _NONCE_BYTES:
        raise VaultItemUnreadable(item.id)
    try:
        clear = AESGCM(key.secret).decrypt(nonce, sealed, _place(item.person, item.kind, item.id))
    except InvalidTag:
        raise VaultItemUnreadable(item.id) from None
    salt, value = clear[1 : 1 + clear[0]], clear[1 + clear[0] :]
    if not hmac.compare_digest(commit(salt, value), item.commitment):
        raise VaultItemUnreadable(item.id)
    return value


def _place(person: str, kind: ItemKind, item: VaultItemId) -> bytes:
    """Whom, what and which row a ciphertext belongs to; authenticated with it, so that it opens nowhere else."""
    return _prefixed(_PLACE_TAG, bytes([_VERSION]), person.encode(), kind.value.encode(), item.encode())


def _prefixed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)
