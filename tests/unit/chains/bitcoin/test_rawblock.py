"""The genesis block of every chain's history: 285 bytes that everybody knows."""

import pytest

from chains.bitcoin.rawblock import parse_block
from chains.bitcoin.rawtx import RawMalformed, hash256

GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a"
    "51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c01010000000100000000000000000000000000000000000000000000000000000000000000"
    "00ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66"
    "207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6"
    "a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
GENESIS_ID = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"


def test_a_block_is_read_with_its_parent_its_time_and_its_txs() -> None:
    block = parse_block(GENESIS, GENESIS_ID)
    assert (block.id, block.parent) == (GENESIS_ID, "00" * 32)
    assert block.header.at.isoformat() == "2009-01-03T18:15:05+00:00"
    assert block.header.merkle_root[::-1].hex() == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    assert block.scripts() == []  # its one output pays a bare public key
    assert block.first_script.endswith(b"Chancellor on brink of second bailout for banks")
    assert block.spent() == {f"{'00' * 32}:{0xFFFFFFFF}"}


def test_rpc_04_every_single_changed_byte_is_found() -> None:
    for place in range(len(GENESIS)):
        mutated = GENESIS[:place] + bytes([GENESIS[place] ^ 1]) + GENESIS[place + 1 :]
        with pytest.raises(RawMalformed):
            parse_block(mutated, GENESIS_ID)


@pytest.mark.parametrize("octets", [b"", GENESIS[:-1], GENESIS + b"\0", GENESIS[:80], GENESIS[:80] + b"\0"])
def test_rpc_05_a_block_cut_short_or_too_long_is_refused(octets: bytes) -> None:
    with pytest.raises(RawMalformed):
        parse_block(octets, GENESIS_ID)


def test_a_tx_that_is_there_twice_cannot_hide_behind_the_same_root() -> None:
    """CVE-2012-2459: with an odd number of txs the last hash is repeated, and so may be the tx."""
    tx = GENESIS[81:]
    root = hash256(hash256(tx) * 2)
    header = GENESIS[:36] + root + GENESIS[68:80]
    with pytest.raises(RawMalformed, match="twice"):
        parse_block(header + b"\x02" + tx + tx, hash256(header)[::-1].hex())
