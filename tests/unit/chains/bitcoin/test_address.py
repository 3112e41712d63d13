"""Our addresses by BIP-84 and BIP-86, strangers' addresses as destinations."""

import hashlib
import json
from pathlib import Path

import pytest
from bip32 import BIP32
from bip32.base58 import b58decode_check, b58encode_check

from chains.bitcoin.address import (
    AccountKeys,
    address_of,
    address_of_key,
    check_destination,
    hash160,
    own_address_of,
    script_of,
)
from chains.bitcoin.bech32 import encode_segwit
from chains.bitcoin.parameters import CHAINS, MAIN, REGTEST, SIGNET, TESTNET
from chains.bitcoin.taproot import output_key
from chains.child_keys import INDEX_MAX
from tests.unit.chains.bitcoin.material import KEYS, PUBLIC_KEYS, ROOT
from wallet.ports import Branch, Derived, Destination

VECTORS = Path(__file__).parents[3] / "vectors" / "bitcoin-bips"
BIP84 = json.loads((VECTORS / "bip84.json").read_text())
BIP86 = json.loads((VECTORS / "bip86.json").read_text())
BIP173 = json.loads((VECTORS / "bip173.json").read_text())
BIP350 = json.loads((VECTORS / "bip350.json").read_text())

P2PKH_MAIN = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
P2SH_MAIN = "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
P2WPKH_MAIN = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
P2WSH_MAIN = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"
P2TR_MAIN = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
P2PKH_TEST = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"


def plain(zpub: str) -> str:
    """BIP-84's vectors carry the version bytes of a later proposal; the key inside is the same."""
    return str(b58encode_check(bytes.fromhex("0488b21e") + b58decode_check(zpub)[4:]).decode())


def test_key_03_deposit_addresses_are_those_of_bip_84() -> None:
    account, first, second, _ = BIP84["derived"]
    other = plain(BIP84["root"]["rootpub"])
    house = BIP32.from_seed(b"another seed").get_xpub_from_path("m/84'/0'/1'")
    keys = AccountKeys(f"{plain(account['xpub'])} {house}", MAIN)
    assert keys.derive(Branch.DEPOSIT, 0).address == first["address"]
    assert keys.derive(Branch.DEPOSIT, 1).address == second["address"]
    assert keys.derive(Branch.DEPOSIT, 1).path == second["path"]
    with pytest.raises(ValueError, match="three steps"):
        AccountKeys(f"{other} {house}", MAIN)


def test_public_derivation_agrees_with_the_private_keys_that_the_signer_holds() -> None:
    for branch in Branch:
        for index in (0, 1, 999, INDEX_MAX):
            derived = KEYS.derive(branch, index)
            purpose = 86 if branch is Branch.DEPOSIT_TAPROOT else 84
            assert derived.path.startswith(f"m/{purpose}'/1'/")
            assert address_of_key(ROOT.get_pubkey_from_path(derived.path), purpose, REGTEST) == derived.address


def test_key_03_taproot_deposit_addresses_are_those_of_bip_86() -> None:
    account, first, second, change = BIP86["derived"]
    others = [BIP32.from_seed(b"another seed").get_xpub_from_path(f"m/84'/0'/{number}'") for number in (0, 1)]
    keys = AccountKeys(" ".join([*others, account["xpub"]]), MAIN)
    assert keys.derive(Branch.DEPOSIT_TAPROOT, 0) == Derived(first["address"], first["path"].replace("M", "m"))
    assert keys.derive(Branch.DEPOSIT_TAPROOT, 1).address == second["address"]
    for derived in (first, second, change):
        assert output_key(b"\x03" + bytes.fromhex(derived["internal_key"])).hex() == derived["output_key"]
        assert script_of(derived["address"], MAIN).hex() == derived["scriptPubKey"]
        assert own_address_of(bytes.fromhex(derived["scriptPubKey"]), MAIN) == derived["address"]


def test_without_the_taproot_key_there_are_no_taproot_addresses() -> None:
    keys = AccountKeys(" ".join(PUBLIC_KEYS.split(" ")[:2]), REGTEST)
    assert keys.branches == {Branch.DEPOSIT, Branch.HOUSE}
    with pytest.raises(ValueError, match="no public key is known"):
        keys.derive(Branch.DEPOSIT_TAPROOT, 0)


@pytest.mark.parametrize("index", [-1, INDEX_MAX + 1])
def test_an_index_beyond_bip_32_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="index"):
        KEYS.derive(Branch.DEPOSIT, index)


@pytest.mark.parametrize(
    ("public_keys", "reason"),
    [
        ("", "two or three account public keys"),
        (PUBLIC_KEYS.split(" ")[0], "two or three account public keys"),
        (" ".join([PUBLIC_KEYS.split(" ")[0]] * 2), "two or three account public keys"),
        (PUBLIC_KEYS + "x", "xpub or tpub"),
        (PUBLIC_KEYS.replace(" ", "  "), "two or three account public keys"),
        ("hello world", "xpub or tpub"),
    ],
)
def test_public_keys_of_another_form_are_refused(public_keys: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        AccountKeys(public_keys, REGTEST)


def test_public_keys_of_another_chain_are_refused() -> None:
    with pytest.raises(ValueError, match="not for the chain main"):
        AccountKeys(PUBLIC_KEYS, MAIN)


@pytest.mark.parametrize("address", [P2PKH_MAIN, P2SH_MAIN, P2WPKH_MAIN, P2WSH_MAIN, P2TR_MAIN])
def test_every_standard_kind_of_address_is_a_destination_in_its_one_spelling(address: str) -> None:
    assert check_destination(Destination(address), MAIN) == Destination(address)
    assert address_of(script_of(address, MAIN), MAIN) == address


def test_capital_letters_become_small_ones() -> None:
    assert check_destination(Destination(P2WPKH_MAIN.upper()), MAIN) == Destination(P2WPKH_MAIN)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (BIP173["examples"]["testnet_p2wpkh"], "start with bc1"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "start with bc1"),
        (encode_segwit("ltc", 0, bytes(20)), "start with bc1"),
        ("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "character|checksum|form"),
        ("MJKTCTCbJ4ABfCR4BYB2Z8eKtKYU2Z2q6m", "not one of the chain main|mistyped"),  # litecoin's own form of P2SH
        (P2PKH_TEST, "not one of the chain main"),
        ("LhyLNfBkoKshT7R8Pce6vkB9T2cP2o84hx", "not one of the chain main"),  # litecoin
        (P2PKH_MAIN[:-1] + "3", "mistyped"),
        (P2WPKH_MAIN[:-1] + "5", "mistyped"),
        (P2WPKH_MAIN[:10].upper() + P2WPKH_MAIN[10:], "mixes"),
        (f" {P2WPKH_MAIN}", "character"),
        (f"{P2WPKH_MAIN}\n", "character"),
        (f"{P2PKH_MAIN}\n", "character|checksum|form"),
        (encode_segwit("bc", 1, bytes(32)), "no possible key"),
        (encode_segwit("bc", 1, b"\x4e\x73"), "nobody can spend"),  # pay-to-anchor
        (encode_segwit("bc", 2, bytes(32)), "nobody can spend"),
        (encode_segwit("bc", 16, bytes(2)), "nobody can spend"),
        (encode_segwit("bc", 0, bytes(21)), "length"),
        ("", "not empty"),
        ("bc1" + "q" * 100, "at most 90"),
        ("ＢＣ１qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "ASCII"),
        ("bitcoin:" + P2WPKH_MAIN, "checksum|form|character"),
        ("0" * 33, "character|form"),
    ],
)
def test_dpb_07_a_destination_of_another_family_or_network_is_refused_with_its_reason(
    address: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        check_destination(Destination(address), MAIN)


@pytest.mark.parametrize("case", BIP350["segwit_invalid"], ids=lambda case: case["reason"])
def test_dpb_07_no_address_that_bip_350_refuses_is_a_destination_on_any_chain(case: dict[str, str]) -> None:
    for chain in CHAINS.values():
        with pytest.raises(ValueError, match=r"address|witness|checksum"):
            script_of(case["address"], chain)


@pytest.mark.parametrize("chain", [TESTNET, SIGNET, REGTEST])
def test_the_test_chains_share_their_old_addresses_and_refuse_those_of_the_main_chain(chain: object) -> None:
    assert script_of(P2PKH_TEST, chain).startswith(b"\x76\xa9")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not one of the chain"):
        script_of(P2PKH_MAIN, chain)  # type: ignore[arg-type]


def test_a_bitcoin_destination_names_nobody() -> None:
    with pytest.raises(ValueError, match="address alone"):
        check_destination(Destination(P2WPKH_MAIN, "Alice"), MAIN)


@pytest.mark.parametrize(
    "script",
    [
        b"",
        bytes([0, 20]) + bytes(19),
        bytes([0, 20]) + bytes(21),
        bytes([0, 32]) + bytes(32),
        bytes([0x51, 20]) + bytes(20),
        bytes([0x51, 32]) + bytes(31),
        bytes([0x51, 32]) + bytes(33),
        bytes([0x52, 32]) + bytes(32),
        bytes([0x51, 0x4C, 32]) + bytes(32),
        bytes([0x4C, 20]) + bytes(20),
        bytes([0x00, 0x4C, 20]) + bytes(19),
        b"\x76\xa9\x14" + bytes(20) + b"\x88\xac",
    ],
)
def test_dpb_06_only_the_exact_scripts_of_our_two_kinds_are_ours(script: bytes) -> None:
    assert own_address_of(script, REGTEST) is None


def test_the_key_hash_is_the_same_where_openssl_lacks_its_algorithm(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = hash160(b"a key")

    def refuse(name: str, octets: bytes, *, usedforsecurity: bool) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", refuse)
    assert hash160(b"a key") == expected


def test_an_output_that_is_not_standard_has_no_address() -> None:
    assert address_of(b"\x6a\x04data", MAIN) is None
    assert address_of(b"\x76\xa9\x14" + bytes(20) + b"\x88\xad", MAIN) is None


@pytest.mark.parametrize(
    "address",
    [
        "1BitcoinEaterAddressDontSendf59kuE",
        "1CounterpartyXXXXXXXXXXXXXXXUWLpVr",
        "1111111111111111111114oLvT2",
        encode_segwit("bc", 0, bytes(20)),
        encode_segwit("bc", 0, b"\xff" * 32),
        encode_segwit("bc", 1, bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")),
    ],
)
def test_wdr_13_where_people_burn_nothing_is_sent(address: str) -> None:
    assert script_of(address, MAIN)
    with pytest.raises(ValueError, match="burnt"):
        check_destination(Destination(address), MAIN)


@pytest.mark.parametrize("version", range(2, 17))
def test_wdr_13_nobody_can_own_a_witness_version_of_the_future(version: int) -> None:
    with pytest.raises(ValueError, match="nobody can spend"):
        check_destination(Destination(encode_segwit("bc", version, bytes(range(32)))), MAIN)
