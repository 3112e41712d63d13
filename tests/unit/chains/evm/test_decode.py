from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from chains.evm import rlp
from chains.evm.decode import EvmTx, PayloadMalformed, Transfer, decode, encode_unsigned, tx_id
from chains.evm.token import transfer_call
from tests.unit.chains.evm.vectors import tx_cases

PAYEE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
CONTRACT = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
KEY = bytes(31) + b"\x07"
COIN = EvmTx(
    chain_id=31337,
    nonce=0,
    max_priority_fee_per_gas=10**9,
    max_fee_per_gas=3 * 10**9,
    gas_limit=21_000,
    target=PAYEE,
    value=10**18,
    calldata=b"",
)
TOKEN = replace(
    COIN, nonce=300, target=CONTRACT, value=0, calldata=transfer_call(PAYEE, 10**9), transfer=Transfer(PAYEE, 10**9)
)
TYPED = list(tx_cases("ttEIP1559"))
FOREIGN = list(tx_cases("ttEIP2930", "ttSignature", "ttWrongRLP"))


def signed_by_eth_account(tx: EvmTx) -> bytes:
    """A second opinion on every byte."""
    fields = {
        "type": 2,
        "chainId": tx.chain_id,
        "nonce": tx.nonce,
        "maxPriorityFeePerGas": tx.max_priority_fee_per_gas,
        "maxFeePerGas": tx.max_fee_per_gas,
        "gas": tx.gas_limit,
        "to": tx.target,
        "value": tx.value,
        "data": tx.calldata,
    }
    return bytes(Account.sign_transaction(fields, KEY).raw_transaction)


def fields_of(tx: EvmTx) -> list[rlp.Item]:
    fields = rlp.decode(encode_unsigned(tx)[1:])
    assert not isinstance(fields, bytes)
    return list(fields)


def payload_with(tx: EvmTx, place: int, item: rlp.Item) -> bytes:
    fields = fields_of(tx)
    fields[place] = item
    return b"\x02" + rlp.encode(fields)


@pytest.mark.parametrize("tx", [COIN, TOKEN], ids=["coin", "token"])
def test_a_payload_reads_as_what_was_written(tx: EvmTx) -> None:
    assert decode(encode_unsigned(tx)) == tx


@pytest.mark.parametrize("tx", [COIN, TOKEN], ids=["coin", "token"])
def test_what_eth_account_signed_reads_as_what_was_written(tx: EvmTx) -> None:
    read = decode(signed_by_eth_account(tx))
    assert read.signature is not None
    assert replace(read, signature=None) == tx


def test_a_tx_is_named_as_the_network_names_it() -> None:
    raw = signed_by_eth_account(COIN)
    assert tx_id(raw) == "0x" + bytes(Account.sign_transaction({**_plain(COIN)}, KEY).hash).hex()


def _plain(tx: EvmTx) -> dict[str, object]:
    return {
        "type": 2,
        "chainId": tx.chain_id,
        "nonce": tx.nonce,
        "maxPriorityFeePerGas": tx.max_priority_fee_per_gas,
        "maxFeePerGas": tx.max_fee_per_gas,
        "gas": tx.gas_limit,
        "to": tx.target,
        "value": tx.value,
    }


@pytest.mark.parametrize(("name", "raw", "verdict"), TYPED, ids=[case[0] for case in TYPED])
def test_the_foundations_typed_txs_get_the_foundations_verdict(name: str, raw: bytes, verdict: dict[str, str]) -> None:
    if "exception" in verdict:
        with pytest.raises(PayloadMalformed):
            decode(raw)
    else:
        assert decode(raw).signature is not None
        assert tx_id(raw) == verdict["hash"]


@pytest.mark.parametrize(("name", "raw", "verdict"), FOREIGN, ids=[case[0] for case in FOREIGN])
def test_legacy_and_access_list_txs_are_refused_valid_or_not(name: str, raw: bytes, verdict: dict[str, str]) -> None:
    with pytest.raises(PayloadMalformed):
        decode(raw)


@pytest.mark.parametrize(
    ("place", "item"),
    [
        (0, b""),  # chain id 0 is valid on every chain
        (0, b"\xff" * 8),
        (1, b"\xff" * 8),
        (1, b"\x00"),
        (2, rlp.encode_quantity(3 * 10**9 + 1)),  # a tip above the whole fee
        (3, b"\x01" + bytes(32)),
        (4, b"\x01" + bytes(8)),
        (5, b""),  # creates a contract
        (5, bytes(19)),
        (5, bytes(21)),
        (5, []),
        (6, b"\x01" + bytes(32)),
        (7, b"\x00"),
        (7, []),
        (7, bytes.fromhex("095ea7b3") + bytes(64)),  # approve(address,uint256)
        (8, b""),
        (8, [[bytes(20), []]]),
    ],
)
def test_a_field_out_of_its_bounds_is_refused(place: int, item: rlp.Item) -> None:
    with pytest.raises(PayloadMalformed):
        decode(payload_with(COIN, place, item))


@pytest.mark.parametrize(
    "calldata",
    [
        TOKEN.calldata[:-1],
        TOKEN.calldata + b"\x00",
        TOKEN.calldata[:4] + b"\x01" + TOKEN.calldata[5:],  # an address of more than 20 bytes
        b"\x23\xb8\x72\xdd" + TOKEN.calldata[4:],
        TOKEN.calldata[:4],
    ],
)
def test_calldata_is_exactly_one_transfer(calldata: bytes) -> None:
    with pytest.raises(PayloadMalformed):
        decode(payload_with(TOKEN, 7, calldata))


def test_a_tokens_transfer_carries_no_value() -> None:
    with pytest.raises(PayloadMalformed, match="value"):
        decode(payload_with(TOKEN, 6, b"\x01"))


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x02", b"\x02\x80", b"\x02\xc0", b"\x01" + encode_unsigned(COIN)[1:], encode_unsigned(COIN) + b"\x00"],
)
def test_other_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(PayloadMalformed):
        decode(payload)


def test_the_upper_half_of_s_is_refused() -> None:
    """EIP-2. Node software accepts it at its peril: the same payment would have two hashes."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    fields = rlp.decode(signed_by_eth_account(COIN)[1:])
    assert not isinstance(fields, bytes)
    mirrored = order - rlp.decode_quantity(fields[11])
    with pytest.raises(PayloadMalformed, match="s is out of range"):
        decode(b"\x02" + rlp.encode([*fields[:11], rlp.encode_quantity(mirrored)]))


@given(st.sampled_from([COIN, TOKEN]), st.integers(0, 120), st.integers(1, 255))
def test_a_payload_with_one_byte_changed_is_refused_or_reads_as_other_fields(tx: EvmTx, place: int, flip: int) -> None:
    payload = bytearray(encode_unsigned(tx))
    payload[place % len(payload)] ^= flip
    try:
        read = decode(bytes(payload))
    except PayloadMalformed:
        return
    assert read != tx
    assert encode_unsigned(read) == bytes(payload)
