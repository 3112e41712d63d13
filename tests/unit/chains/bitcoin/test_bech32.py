"""BIP-173 and BIP-350, with their published vectors."""

import json
from pathlib import Path

import pytest

from chains.bitcoin.bech32 import BECH32, BECH32M, decode_bech32, decode_segwit, encode_segwit

VECTORS = Path(__file__).parents[3] / "vectors" / "bitcoin-bips"
BIP173 = json.loads((VECTORS / "bip173.json").read_text())
BIP350 = json.loads((VECTORS / "bip350.json").read_text())
FOREIGN_PREFIX = {case["address"] for case in BIP350["segwit_invalid"] if case["reason"].startswith("Invalid human")}


@pytest.mark.parametrize("text", BIP173["valid"])
def test_strings_with_the_first_checksum_are_read(text: str) -> None:
    assert decode_bech32(text)[2] == BECH32


@pytest.mark.parametrize("text", BIP350["valid"])
def test_strings_with_the_second_checksum_are_read(text: str) -> None:
    assert decode_bech32(text)[2] == BECH32M


@pytest.mark.parametrize("case", BIP173["invalid"] + BIP350["invalid"], ids=lambda case: case["bytes_hex"][:24])
def test_strings_that_the_proposals_refuse_are_refused(case: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"address"):
        decode_segwit(bytes.fromhex(case["bytes_hex"]).decode("latin-1"))


@pytest.mark.parametrize("case", BIP350["segwit_valid"], ids=lambda case: case["address"][:24])
def test_addresses_give_their_script_and_are_written_back_in_small_letters(case: dict[str, str]) -> None:
    prefix, version, program = decode_segwit(case["address"])
    opcode = version + 0x50 if version else 0
    assert bytes([opcode, len(program)]) + program == bytes.fromhex(case["script_pubkey_hex"])
    assert encode_segwit(prefix, version, program) == case["address"].lower()


@pytest.mark.parametrize("case", BIP350["segwit_invalid"], ids=lambda case: case["reason"])
def test_addresses_that_the_proposals_refuse_are_refused(case: dict[str, str]) -> None:
    if case["address"] in FOREIGN_PREFIX:
        assert decode_segwit(case["address"])[0] not in {"bc", "tb", "bcrt"}
        return
    with pytest.raises(ValueError, match=r"address|witness|checksum"):
        decode_segwit(case["address"])


def test_every_single_mistyped_letter_is_found() -> None:
    address = BIP173["examples"]["mainnet_p2wpkh"]
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    for place in range(len("bc1"), len(address)):
        for letter in letters.replace(address[place], ""):
            with pytest.raises(ValueError, match=r"address|witness|checksum"):
                decode_segwit(address[:place] + letter + address[place + 1 :])
