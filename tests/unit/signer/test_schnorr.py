"""Taproot signatures by the vectors of BIP-340 and BIP-341."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey, PublicKeyXOnly

from chains.bitcoin.address import address_of
from chains.bitcoin.decode import UtxoTx
from chains.bitcoin.parameters import MAIN
from chains.bitcoin.rawtx import parse_tx
from chains.bitcoin.taproot import output_key, tweak
from chains.signer.signing.schnorr import key_path_digests, sign_key_path, tweaked_key
from wallet.ports import Utxo

VECTORS = Path(__file__).parents[2] / "vectors" / "bitcoin-bips"
BIP340 = list(csv.DictReader((VECTORS / "bip340-test-vectors.csv").read_text().splitlines()))
BIP341: dict[str, Any] = json.loads((VECTORS / "bip341-wallet-test-vectors.json").read_text())
SPENDING = BIP341["keyPathSpending"][0]


@pytest.mark.parametrize("row", [row for row in BIP340 if len(row["message"]) == 64], ids=lambda row: row["index"])
def test_signatures_are_those_of_bip_340(row: dict[str, str]) -> None:
    message, signature = bytes.fromhex(row["message"]), bytes.fromhex(row["signature"])
    if row["secret key"]:
        made = PrivateKey(bytes.fromhex(row["secret key"])).sign_schnorr(message, bytes.fromhex(row["aux_rand"]))
        assert made == signature
    try:
        accepted = PublicKeyXOnly(bytes.fromhex(row["public key"])).verify(signature, message)
    except ValueError:
        accepted = False  # no point of the curve
    assert accepted is (row["verification result"] == "TRUE")


@pytest.mark.parametrize(
    "case", [case for case in BIP341["scriptPubKey"] if case["given"]["scriptTree"] is None], ids=lambda _: "no scripts"
)
def test_outputs_without_scripts_are_those_of_bip_341(case: dict[str, Any]) -> None:
    internal = bytes.fromhex(case["given"]["internalPubkey"])
    assert tweak(internal).hex() == case["intermediary"]["tweak"]
    assert output_key(b"\x02" + internal).hex() == case["intermediary"]["tweakedPubkey"]
    assert address_of(b"\x51\x20" + output_key(b"\x03" + internal), MAIN) == case["expected"]["bip350Address"]


def spending_tx() -> UtxoTx:
    raw = parse_tx(bytes.fromhex(SPENDING["given"]["rawUnsignedTx"]))
    spent = []
    for made, coin in zip(raw.inputs, SPENDING["given"]["utxosSpent"], strict=True):
        address = address_of(bytes.fromhex(coin["scriptPubKey"]), MAIN)
        assert address is not None
        spent.append(Utxo(made.outpoint, coin["amountSats"], address, "unknown"))
    return UtxoTx(raw, MAIN, tuple(spent), (), None, None, 0, 0)


def test_what_a_signature_commits_to_is_that_of_bip_341() -> None:
    digest_of = key_path_digests(spending_tx())
    plain = [case for case in SPENDING["inputSpending"] if case["given"]["hashType"] == 0]
    assert plain
    for case in plain:
        assert digest_of(case["given"]["txinIndex"]).hex() == case["intermediary"]["sigHash"]


def test_the_key_that_signs_is_that_of_bip_341() -> None:
    plain = [case for case in SPENDING["inputSpending"] if case["given"]["merkleRoot"] is None]
    assert plain
    for case in plain:
        key = PrivateKey(bytes.fromhex(case["given"]["internalPrivkey"]))
        assert tweaked_key(key).secret.hex() == case["intermediary"]["tweakedPrivkey"]


@pytest.mark.parametrize("secret", [bytes(31) + b"\x01", bytes(31) + b"\x06"])
def test_keys_of_either_sign_make_signatures_that_their_outputs_accept(secret: bytes) -> None:
    key = PrivateKey(secret)
    output = PublicKeyXOnly(output_key(key.public_key.format()))
    assert output.verify(sign_key_path(key, b"m" * 32), b"m" * 32)
