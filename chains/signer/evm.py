"""Signing an EVM tx of type 2 (EIP-1559) with eth-account: RFC 6979 nonces and low s, so equal requests give equal bytes."""

from eth_account import Account

from chains.evm.address import public_key_address
from chains.evm.decode import EvmTx, decode, encode_unsigned, tx_id
from wallet.ports import Signed


class SignatureWrong(Exception):
    """What came out of the signing library is not a signature of our key over the very payload. It must not leave."""


def sign(payload: bytes, private_key: bytes, public_key: bytes) -> Signed:
    """Sign exactly `payload`. The result is taken apart again before it is believed. Raises `SignatureWrong`."""
    made = Account.sign_transaction(_fields(decode(payload)), private_key)
    raw = bytes(made.raw_transaction)
    if encode_unsigned(decode(raw)) != payload or Account.recover_transaction(raw) != public_key_address(public_key):
        raise SignatureWrong("the signed tx is not the payload signed by our key")
    return Signed(raw, tx_id(raw))


def _fields(tx: EvmTx) -> dict[str, object]:
    return {
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
