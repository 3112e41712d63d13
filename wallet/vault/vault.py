"""The vault's three verbs: seal, reveal for a purpose, erase.

What this prevents: reading personal data without saying why. Every reveal is logged with person, kind and purpose; the
value never is.
"""

import hashlib
import hmac
from enum import StrEnum

import structlog

from wallet.ids import NetworkId, VaultItemId
from wallet.vault.items import ItemKind, SealedItem, VaultItemUnreadable, open_item, seal_item
from wallet.vault.keys import PersonKeys, PersonUnknown

_MARK_TAG = b"coffer/vault-mark/1\0"

_log = structlog.get_logger(__name__)


class RevealPurpose(StrEnum):
    """Why somebody may read personal data. (`wallet.ports.Purpose` is what a signature is for.)"""

    SHOW_TO_OWNER = "show_to_owner"
    SHOW_TO_OPERATOR = "show_to_operator"
    APPROVE = "approve"
    BUILD_SUBMISSION = "build_submission"
    SUBMIT = "submit"
    READ_STATEMENT = "read_statement"
    VERIFY = "verify"


def bank_person(network: NetworkId) -> str:
    """Whose key seals what a bank tells of people who are no customers of ours: the bank stands for them."""
    return f"bank_{network}"


class Vault:
    """Seals and reveals items under the keys of `keys`. Holds no items: rows are the core's."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    def seal(self, *, person: str, kind: ItemKind, value: bytes, item: VaultItemId, salt: bytes) -> SealedItem:
        """Seal a value of this person; the first one makes their key. Raises `PersonErased`."""
        key = self._keys.get_or_create(person)
        return seal_item(key, item=item, person=person, kind=kind, value=value, salt=salt)

    def reveal(self, item: SealedItem, purpose: RevealPurpose) -> bytes:
        """The value in clear. Raises `PersonErased`, `VaultItemUnreadable`; `TypeError` without a purpose."""
        if not isinstance(purpose, RevealPurpose):
            raise TypeError("personal data is revealed for a RevealPurpose")
        _log.info("vault_item_revealed", person=item.person, kind=item.kind.value, purpose=purpose.value, item=item.id)
        try:
            key = self._keys.get(item.person)
        except PersonUnknown:
            raise VaultItemUnreadable(item.id) from None
        return open_item(key, item)

    def mark(self, *, person: str, value: str) -> str:
        """The same for the same value of this person, and nothing to anybody without their key; after an erasure, to nobody.
        Raises `PersonErased`."""
        key = self._keys.get_or_create(person)
        return hmac.new(key.secret, _MARK_TAG + value.encode(), hashlib.sha256).hexdigest()

    def erase(self, person: str) -> None:
        """Make everything of this person unreadable for ever, in every copy of the database. Repeating it is harmless."""
        self._keys.erase(person)
        _log.info("person_erased", person=person)
