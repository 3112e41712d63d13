import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

import chains.evm.payout
from chains.evm.address import checksum
from chains.evm.payout import (
    CREATION,
    EVERYTHING,
    PAYMENTS_MAX,
    SOURCE_SHA256,
    UNITS_EACH_MAX,
    UNPAID_TOPIC,
    Allowance,
    Paid,
    Payout,
    created_address,
    deployed_code,
    read_act,
    write_act,
)

ADDRESSES = st.binary(min_size=20, max_size=20).filter(any).map(checksum)
PAYMENTS = st.lists(st.builds(Paid, ADDRESSES, st.integers(1, UNITS_EACH_MAX)), min_size=1, max_size=4).map(tuple)
PAYOUTS = st.builds(Payout, ADDRESSES, st.integers(1, 10**7), PAYMENTS) | st.builds(
    Payout, st.none(), st.just(0), PAYMENTS
)
TOKEN = checksum(b"\x11" * 20)
TWO = Payout(TOKEN, 60_000, (Paid(checksum(b"\x22" * 20), 5), Paid(checksum(b"\x33" * 20), 7)))


def test_the_code_here_is_of_the_source_beside_it() -> None:
    source = Path(chains.evm.payout.__file__).with_name("PayoutContract.yul")
    assert hashlib.sha256(source.read_bytes()).hexdigest() == SOURCE_SHA256


def test_the_names_of_calls_and_logs_are_those_of_their_signatures() -> None:
    assert write_act(TWO)[:4] == keccak(b"pay(address,uint256,bytes32[])")[:4]
    assert write_act(Allowance(TOKEN, 1))[:4] == keccak(b"approve(address,uint256)")[:4]
    assert "0x" + keccak(b"Unpaid(uint256,bytes32)").hex() == UNPAID_TOPIC


@given(PAYOUTS)
def test_a_payout_is_written_as_any_other_tool_writes_it_and_read_back(payout: Payout) -> None:
    words = [payment.word for payment in payout.payments]
    token = payout.token or "0x" + "00" * 20
    by_eth_abi = encode(["address", "uint256", "bytes32[]"], [token, payout.gas_each, words])
    assert write_act(payout)[4:] == by_eth_abi
    assert read_act(write_act(payout)) == payout


@given(PAYOUTS, st.data())
def test_key_04_no_other_spelling_of_a_payout_is_read(payout: Payout, data: st.DataObject) -> None:
    """A changed byte means another payout, which is written just so, or nothing."""
    calldata = bytearray(write_act(payout))
    place = data.draw(st.integers(4, len(calldata) - 1))
    calldata[place] ^= data.draw(st.integers(1, 255))
    try:
        found = read_act(bytes(calldata))
    except ValueError:
        return
    assert found is not None
    assert found != payout
    assert write_act(found) == bytes(calldata)


@pytest.mark.parametrize(
    "calldata",
    [
        write_act(TWO) + bytes(1),
        write_act(TWO) + bytes(32),
        write_act(TWO)[:-1],
        write_act(TWO)[:-32],
        write_act(TWO)[:4],
        write_act(TWO)[:100],
        write_act(Allowance(TOKEN, EVERYTHING)) + bytes(32),
        write_act(Allowance(TOKEN, EVERYTHING))[:36],
    ],
)
def test_what_is_longer_or_shorter_than_it_says_is_refused(calldata: bytes) -> None:
    with pytest.raises(ValueError, match=r"spelling|payment|approve|20 bytes"):
        read_act(calldata)


@pytest.mark.parametrize(
    "payout",
    [
        replace(TWO, payments=()),
        replace(TWO, payments=TWO.payments * PAYMENTS_MAX),
        replace(TWO, payments=(Paid(TOKEN, 0),)),
        replace(TWO, payments=(Paid(TOKEN, UNITS_EACH_MAX + 1),)),
        replace(TWO, gas_each=0),
        replace(TWO, token=None),
        replace(TWO, token="0x" + "00" * 20),
    ],
)
def test_what_has_no_spelling_is_not_written(payout: Payout) -> None:
    with pytest.raises(ValueError, match=r"payout|payment|token"):
        write_act(payout)


def test_other_calls_are_none_of_ours() -> None:
    assert read_act(bytes.fromhex("a9059cbb") + bytes(64)) is None


def test_an_allowance_is_read_as_it_is_written() -> None:
    assert read_act(write_act(Allowance(TOKEN, EVERYTHING))) == Allowance(TOKEN, EVERYTHING)


def test_the_code_of_a_contract_names_its_owner_and_nothing_else_differs() -> None:
    code = deployed_code(TOKEN)
    assert code[1:33] == bytes(12) + b"\x11" * 20
    assert code.replace(bytes(12) + b"\x11" * 20, bytes(32)) == CREATION[-len(code) :]
    assert CREATION.count(b"\x7f" + bytes(32)) == 1


def test_a_contracts_address_follows_from_who_makes_it_and_when() -> None:
    """The example that everybody quotes."""
    assert created_address("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 0) == (
        "0xcd234A471b72ba2F1Ccf0A70FCABA648a5eeCD8d"
    )
