"""Our signatures of EVM txs are eth-account's, byte for byte."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from chains.evm.decode import EvmTx, decode, encode_unsigned
from chains.signer.signing import evm
from tests.unit.signer.scene import DUSD, HOT, KEYS, OUTSIDE, evm_payload

PRIVATE, PUBLIC = KEYS.reveal_private_key(HOT), KEYS.public_key(HOT)


def by_eth_account(tx: EvmTx) -> bytes:
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
        "accessList": (),
    }
    return bytes(Account.sign_transaction(fields, PRIVATE).raw_transaction)


@given(
    units=st.integers(1, 2**256 - 1),
    nonce=st.integers(0, 2**63),
    gas_limit=st.integers(0, 2**40),
    max_fee=st.integers(10**9, 2**80),
    token=st.none() | st.just(DUSD),
)
def test_key_02_the_bytes_are_those_of_eth_account(
    units: int, nonce: int, gas_limit: int, max_fee: int, token: str | None
) -> None:
    payload = evm_payload(OUTSIDE, units, token=token, nonce=nonce, gas_limit=gas_limit, max_fee=max_fee)
    signed = evm.sign(payload, PRIVATE, PUBLIC)
    tx = decode(signed.payload)
    assert signed.payload == by_eth_account(tx)
    assert encode_unsigned(tx) == payload


def test_a_signature_by_another_key_than_was_meant_does_not_leave() -> None:
    with pytest.raises(evm.SignatureWrong):
        evm.sign(evm_payload(), PRIVATE, KEYS.public_key("m/44'/60'/0'/0/1"))
