"""Public derivation, by the vectors of BIP-32 and by the library that the signer derives private keys with."""

import json
from pathlib import Path

import pytest
from bip32 import BIP32
from hypothesis import given
from hypothesis import strategies as st

from chains.child_keys import INDEX_MAX, ChildKeys

BIP32_VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "bitcoin-bips" / "bip32.json").read_text())
ACCOUNT = BIP32.from_seed(bytes(range(32)))
CHAIN_CODE, PUBLIC_KEY = ACCOUNT.get_extended_pubkey_from_path("m/44'/60'/0'/0")


def plain_steps() -> list[tuple[str, int, str]]:
    """The extended public key of a parent, the index, and that of the child, wherever the vectors have both."""
    found = []
    for vector in BIP32_VECTORS["valid"]:
        keys = {chain["path"]: chain["ext_pub"] for chain in vector["chains"]}
        for path, child in keys.items():
            parent, _, last = path.rpartition("/")
            if last.isdigit() and parent in keys:
                found.append((keys[parent], int(last), child))
    return found


def test_the_vectors_of_bip_32_have_steps_that_public_keys_can_take() -> None:
    assert len(plain_steps()) >= 5


@pytest.mark.parametrize(("parent", "index", "child"), plain_steps())
def test_key_03_children_are_those_of_bip_32(parent: str, index: int, child: str) -> None:
    above, below = BIP32.from_xpub(parent), BIP32.from_xpub(child)
    assert ChildKeys(above.chaincode, above.pubkey).public_key(index).format() == below.pubkey


@given(st.integers(0, INDEX_MAX))
def test_a_child_is_the_public_key_of_the_private_child(index: int) -> None:
    child = ChildKeys(CHAIN_CODE, PUBLIC_KEY).public_key(index)
    assert child.format() == ACCOUNT.get_pubkey_from_path(f"m/44'/60'/0'/0/{index}")


@pytest.mark.parametrize("index", [-1, INDEX_MAX + 1, 2**32])
def test_hardened_children_and_what_is_no_index_are_refused(index: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 2147483647"):
        ChildKeys(CHAIN_CODE, PUBLIC_KEY).public_key(index)


def test_deriving_leaves_the_parent_as_it_was() -> None:
    keys = ChildKeys(CHAIN_CODE, PUBLIC_KEY)
    first = keys.public_key(0).format()
    keys.public_key(1)
    assert keys.public_key(0).format() == first


def test_a_parent_that_is_no_point_is_refused() -> None:
    with pytest.raises(ValueError, match="key"):
        ChildKeys(CHAIN_CODE, b"\x02" + b"\xff" * 32)
