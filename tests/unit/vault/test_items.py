import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.ids import VaultItemId
from wallet.vault.items import (
    VALUE_BYTES_MAX,
    ItemKind,
    PersonKey,
    SealedItem,
    VaultItemUnreadable,
    commit,
    open_item,
    seal_item,
)

KEY = PersonKey(bytes(range(32)))
SALT = b"s" * 16
CLEAR = b"Alice Example"


def sealed(value: bytes = CLEAR, salt: bytes = SALT) -> SealedItem:
    item = VaultItemId("vlt_1")
    return seal_item(KEY, item=item, person="cus_alice", kind=ItemKind.NAME, value=value, salt=salt)


@given(value=st.binary(max_size=2000), salt=st.binary(min_size=16, max_size=64))
def test_what_was_sealed_opens_again(value: bytes, salt: bytes) -> None:
    assert open_item(KEY, sealed(value, salt)) == value


def test_a_sealed_item_shows_nothing_of_its_value() -> None:
    item = sealed()
    assert CLEAR not in item.ciphertext
    assert "Alice" not in repr(item)
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)


def test_the_commitment_is_the_documented_hash() -> None:
    parts = (b"coffer/vault-commitment/1", SALT, CLEAR)
    expected = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
    assert sealed().commitment == expected == commit(SALT, CLEAR)


def test_commitments_tell_apart_pairs_that_concatenate_to_the_same_bytes() -> None:
    assert commit(SALT, b"xy") != commit(SALT + b"x", b"y")


@pytest.mark.parametrize(
    "moved",
    [
        replace(sealed(), person="cus_bob"),
        replace(sealed(), kind=ItemKind.IBAN),
        replace(sealed(), id=VaultItemId("vlt_2")),
        replace(sealed(), commitment=commit(SALT, b"Mallory")),
        replace(sealed(), ciphertext=b""),
        replace(sealed(), ciphertext=sealed().ciphertext[:12]),
        replace(sealed(), ciphertext=sealed().ciphertext[:-1]),
        replace(sealed(), ciphertext=b"\x02" + sealed().ciphertext[1:]),
    ],
)
def test_key_08_an_item_that_was_moved_or_cut_does_not_open(moved: SealedItem) -> None:
    with pytest.raises(VaultItemUnreadable):
        open_item(KEY, moved)


def test_key_08_no_single_changed_byte_is_ever_served() -> None:
    item = sealed()
    for place in range(len(item.ciphertext)):
        changed = bytearray(item.ciphertext)
        changed[place] ^= 1
        with pytest.raises(VaultItemUnreadable):
            open_item(KEY, replace(item, ciphertext=bytes(changed)))


def test_key_08_another_key_does_not_open_it() -> None:
    with pytest.raises(VaultItemUnreadable):
        open_item(PersonKey(bytes(32)), sealed())


def test_no_two_seals_share_a_nonce() -> None:
    assert len({sealed().ciphertext[1:13] for _ in range(2000)}) == 2000


@pytest.mark.parametrize("salt", [b"", b"s" * 15, b"s" * 65])
def test_a_salt_too_short_to_hide_a_name_is_refused(salt: bytes) -> None:
    with pytest.raises(ValueError, match="a salt has 16 to 64 bytes"):
        sealed(salt=salt)


def test_a_value_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        sealed(bytes(VALUE_BYTES_MAX + 1))


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PersonKey(bytes(31))
