import pytest

from chains.signer.keys.paths import EVM_TREE, PathForeign, Place, p2tr_tree, p2wpkh_tree
from wallet.ports import Branch


def test_the_trees_are_those_of_bip_44_bip_84_and_bip_86() -> None:
    assert EVM_TREE.account(Branch.DEPOSIT) == "m/44'/60'/0'"
    assert EVM_TREE.account(Branch.HOUSE) == "m/44'/60'/1'"
    assert EVM_TREE.hot() == "m/44'/60'/1'/0/0"
    assert p2wpkh_tree(0).hot() == "m/84'/0'/1'/0/0"
    assert p2wpkh_tree(1).path(Branch.DEPOSIT, 7) == "m/84'/1'/0'/0/7"
    assert p2tr_tree(0).path(Branch.DEPOSIT_TAPROOT, 7) == "m/86'/0'/0'/0/7"


def test_the_house_has_no_taproot_key() -> None:
    with pytest.raises(PathForeign):
        p2tr_tree(0).place("m/86'/0'/1'/0/0")


def test_each_rotation_takes_a_hardened_account_of_its_own() -> None:
    """Below one account the public key that the database has and one stolen key would give away the next (BIP-32)."""
    assert EVM_TREE.hot(1) == "m/44'/60'/2'/0/0"
    assert p2wpkh_tree(0).hot(2) == "m/84'/0'/3'/0/0"
    assert EVM_TREE.place("m/44'/60'/3'/0/0") == Place(Branch.HOUSE, 0, 2)
    for number in (-1, 999):
        with pytest.raises(PathForeign):
            EVM_TREE.hot(number)


def test_a_path_of_ours_tells_its_place() -> None:
    assert EVM_TREE.place("m/44'/60'/0'/0/2147483647") == Place(Branch.DEPOSIT, 2147483647)
    assert EVM_TREE.place("m/44'/60'/1'/0/0") == Place(Branch.HOUSE, 0)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "m",
        "44'/60'/0'/0/0",
        "m/44'/60'/0'/0",
        "m/44'/60'/0'/0/0/0",
        "m/44'/60'/2'/0/1",
        "m/44'/60'/1000'/0/0",
        "m/44'/60'/0'/1/0",
        "m/44'/0'/0'/0/0",
        "m/84'/60'/0'/0/0",
        "m/44/60'/0'/0/0",
        "m/44h/60h/0h/0/0",
        "m/44'/60'/0'/0/0'",
        "m/44'/60'/0'/0/00",
        "m/44'/060'/0'/0/0",
        "m/44'/60'/0'/0/-1",
        "m/44'/60'/0'/0/2147483648",
        "m/44'/60'/0'/0/99999999999",
        "m/44'/60'/0'/0/\u0661",
        "m/44'/60'/0'/0/0\n",
        " m/44'/60'/0'/0/0",
    ],
)
def test_any_other_path_or_spelling_is_foreign(path: str) -> None:
    with pytest.raises(PathForeign):
        EVM_TREE.place(path)
