import pytest
from bip32 import BIP32
from eth_account import Account

from chains.child_keys import INDEX_MAX
from chains.evm.address import (
    AddressMalformed,
    AddressTree,
    checksum,
    parse_address,
    parse_destination,
    public_key_address,
)
from tests.unit.chains.evm.vectors import read
from wallet.ports import Branch

EIP_55 = read("ethereum-eips/eip55.json")
ALL_EIP_55 = [address for group in EIP_55.values() for address in group]
MIXED = EIP_55["normal"][0]
MASTER = BIP32.from_seed(bytes(range(32)))
XPUBS = " ".join(MASTER.get_xpub_from_path(f"m/44'/60'/{account}'") for account in (0, 1))


@pytest.mark.parametrize("address", ALL_EIP_55)
def test_every_example_of_eip_55_is_its_own_canonical_form(address: str) -> None:
    assert parse_address(address) == address
    assert parse_address(address.lower()) == address
    assert parse_address("0x" + address[2:].upper()) == address
    assert checksum(bytes.fromhex(address[2:])) == address


@pytest.mark.parametrize("address", EIP_55["normal"])
def test_one_letter_in_the_wrong_case_is_found(address: str) -> None:
    for place, letter in enumerate(address[2:], start=2):
        if letter.isalpha():
            with pytest.raises(AddressMalformed, match="checksum"):
                parse_address(address[:place] + letter.swapcase() + address[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        MIXED[2:],
        MIXED[:-1],
        MIXED + "0",
        "0X" + MIXED[2:].lower(),
        MIXED + "\n",
        " " + MIXED,
        "0x" + "g" * 40,
        "0x" + "٠" * 40,
        "vitalik.eth",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "\x00" * 42,
    ],
)
def test_what_is_not_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(AddressMalformed) as refused:
        parse_address(text)
    assert len(text) < 3 or text not in str(refused.value)


@pytest.mark.parametrize("number", [0, 1, 9, 0x20, 0x100, 0xFFFF])
def test_nothing_is_sent_to_the_zero_address_or_a_precompile(number: int) -> None:
    with pytest.raises(AddressMalformed, match="keys"):
        parse_destination(f"0x{number:040x}", frozenset())


def test_nothing_is_sent_to_a_listed_token() -> None:
    with pytest.raises(AddressMalformed, match="token"):
        parse_destination(MIXED.lower(), frozenset({MIXED}))
    assert parse_destination(MIXED.lower(), frozenset()) == MIXED


def test_the_foundations_keys_have_the_foundations_addresses() -> None:
    for case in read("ethereum-tests/BasicTests/keyaddrtest.json"):
        public_key = BIP32(bytes(32), privkey=bytes.fromhex(case["key"])).pubkey
        assert public_key_address(public_key).lower() == "0x" + case["addr"]


@pytest.mark.parametrize("branch", [Branch.DEPOSIT, Branch.HOUSE])
@pytest.mark.parametrize("index", [0, 1, 77, INDEX_MAX])
def test_public_derivation_finds_the_address_of_the_private_key(branch: Branch, index: int) -> None:
    derived = AddressTree(XPUBS).derive(branch, index)
    account = {Branch.DEPOSIT: 0, Branch.HOUSE: 1}[branch]
    assert derived.path == f"m/44'/60'/{account}'/0/{index}"
    assert derived.address == Account.from_key(MASTER.get_privkey_from_path(derived.path)).address


def test_the_well_known_test_seed_gives_its_well_known_first_address() -> None:
    """ "test test … junk", the accounts of every development chain (BIP-39 seed, BIP-44 path)."""
    Account.enable_unaudited_hdwallet_features()
    words = "test test test test test test test test test test test junk"
    assert Account.from_mnemonic(words).address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.mark.parametrize("index", [-1, INDEX_MAX + 1])
def test_an_index_outside_of_the_plain_children_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="index"):
        AddressTree(XPUBS).derive(Branch.DEPOSIT, index)


@pytest.mark.parametrize(
    "keys",
    [
        "",
        XPUBS.split()[0],
        f"{XPUBS.split()[0]} {XPUBS.split()[0]}",
        f"{XPUBS} {XPUBS}",
        "xpub1 xpub2",
        f"{XPUBS.split()[0]} {MASTER.get_xpub()}",
        f"{MASTER.get_xpriv_from_path('m/44h/60h/0h')} {MASTER.get_xpriv_from_path('m/44h/60h/1h')}",
    ],
)
def test_only_two_account_level_public_keys_make_a_tree(keys: str) -> None:
    with pytest.raises(ValueError, match="public key") as refused:
        AddressTree(keys)
    assert not any(key in str(refused.value) for key in keys.split())
