from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from wallet.ids import VaultItemId
from wallet.vault.items import ItemKind, PersonErased, SealedItem, VaultItemUnreadable
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import RevealPurpose, Vault


def seal_name(vault: Vault) -> SealedItem:
    item, salt = VaultItemId("vlt_1"), b"0123456789abcdef"
    return vault.seal(person="cus_alice", kind=ItemKind.NAME, value=b"Alice Example", item=item, salt=salt)


def test_a_value_is_revealed_for_a_purpose_and_the_log_tells_who_and_why_but_not_what(tmp_path: Path) -> None:
    vault = Vault(PersonKeys(tmp_path))
    item = seal_name(vault)
    with capture_logs() as logs:
        assert vault.reveal(item, RevealPurpose.SHOW_TO_OWNER) == b"Alice Example"
    assert logs == [
        {
            "event": "vault_item_revealed",
            "log_level": "info",
            "person": "cus_alice",
            "kind": "name",
            "purpose": "show_to_owner",
            "item": "vlt_1",
        }
    ]


@pytest.mark.parametrize("purpose", ["", None, "because", "show_to_owner"])
def test_pii_02_nothing_is_revealed_without_a_stated_purpose(tmp_path: Path, purpose: object) -> None:
    vault = Vault(PersonKeys(tmp_path))
    with pytest.raises(TypeError, match="RevealPurpose"):
        vault.reveal(seal_name(vault), cast("RevealPurpose", purpose))


def test_pii_03_an_erased_person_can_be_neither_read_nor_added_to(tmp_path: Path) -> None:
    vault = Vault(PersonKeys(tmp_path))
    item = seal_name(vault)
    vault.erase("cus_alice")
    with pytest.raises(PersonErased, match="cus_alice was erased"):
        vault.reveal(item, RevealPurpose.SHOW_TO_OWNER)
    with pytest.raises(PersonErased):
        seal_name(vault)


def test_an_item_of_another_vault_is_unreadable_and_makes_no_key_here(tmp_path: Path) -> None:
    item = seal_name(Vault(PersonKeys(tmp_path / "one")))
    keys = PersonKeys(tmp_path / "two")
    with pytest.raises(VaultItemUnreadable):
        Vault(keys).reveal(item, RevealPurpose.VERIFY)
    keys.get_or_create("cus_alice")
    with pytest.raises(VaultItemUnreadable):
        Vault(keys).reveal(item, RevealPurpose.VERIFY)
