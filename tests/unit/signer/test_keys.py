import ast
import json
import pickle
from pathlib import Path

import pytest
from bip32 import BIP32
from eth_account.hdaccount.mnemonic import Mnemonic

from chains.evm.address import AddressTree, public_key_address
from chains.signer.keys.keys import Keys
from wallet.ports import Branch

VECTORS = Path("tests/vectors/trezor-bip39/vectors.json")
ZEROS = Keys(bytes(32))  # the mnemonic "abandon" × 23 "art", known everywhere


@pytest.mark.parametrize(
    ("entropy", "mnemonic", "seed", "root"),
    [pytest.param(*vector, id=str(n)) for n, vector in enumerate(json.loads(VECTORS.read_text())["english"])],
)
def test_key_03_published_bip39_and_bip32_vectors(entropy: str, mnemonic: str, seed: str, root: str) -> None:
    words = Mnemonic()
    assert words.to_mnemonic(bytes.fromhex(entropy)) == mnemonic
    assert words.to_seed(mnemonic, passphrase="TREZOR").hex() == seed
    assert BIP32.from_seed(bytes.fromhex(seed)).get_xpriv() == root


def test_key_03_the_chain_keys_are_those_that_any_wallet_derives_from_the_same_words() -> None:
    assert public_key_address(ZEROS.public_key("m/44'/60'/0'/0/0")) == "0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb"


def test_the_key_at_a_path_is_that_of_the_whole_derivation_in_any_order_of_asking() -> None:
    words = Mnemonic()
    whole = BIP32.from_seed(words.to_seed(words.to_mnemonic(bytes(32))))
    for path in ("m/44'/60'/1'/0/0", "m/44'/60'/0'/0/7", "m/84'/1'/0'/0/7", "m/84'/0'/1'/0/0", "m/44'/60'/1'/0/0"):
        assert ZEROS.reveal_private_key(path) == whole.get_privkey_from_path(path)
        assert ZEROS.public_key(path) == whole.get_pubkey_from_path(path)


def test_addresses_derived_from_public_keys_are_those_of_the_private_ones() -> None:
    accounts = [ZEROS.account_public_key(f"m/44'/60'/{account}'", main=True) for account in (0, 1)]
    tree = AddressTree(" ".join(accounts))
    for branch in (Branch.DEPOSIT, Branch.HOUSE):
        derived = tree.derive(branch, 41)
        assert derived.address == public_key_address(ZEROS.public_key(derived.path))


def test_accounts_are_written_for_their_chain() -> None:
    assert ZEROS.account_public_key("m/84'/0'/0'", main=True).startswith("xpub")
    assert ZEROS.account_public_key("m/84'/1'/0'", main=False).startswith("tpub")


def test_the_keys_without_a_tree_differ_from_each_other_and_between_seeds() -> None:
    other = Keys(bytes(31) + b"\1")
    derived = {keys.payout_file_key().private_bytes_raw() for keys in (ZEROS, other)}
    derived |= {keys.memory_key() for keys in (ZEROS, other)}
    assert len(derived) == 4


def test_key_07_keys_show_nothing_and_cannot_be_copied_out() -> None:
    assert repr(ZEROS) == str(ZEROS) == "<Keys, secret>"
    with pytest.raises(TypeError, match="not copied"):
        pickle.dumps(ZEROS)


@pytest.mark.parametrize("entropy", [b"", bytes(16), bytes(31), bytes(33)])
def test_a_seed_of_less_than_256_bits_is_refused(entropy: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(entropy)


def test_key_01_no_key_code_knows_a_random_source_but_the_operating_systems() -> None:
    for file in [*Path("chains/signer").rglob("*.py"), *Path("wallet/vault").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {node.module} if isinstance(node, ast.ImportFrom) else {alias.name for alias in node.names}
                assert not names & {"random", "numpy.random", "uuid"}, file
