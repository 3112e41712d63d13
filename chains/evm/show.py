"""A payload in words that people can compare with what they meant: everything that it does, nothing of whom it is for."""

from collections.abc import Mapping
from typing import assert_never

from chains.evm.decode import EvmTx, decode
from chains.evm.listings import Listings
from chains.evm.payout import EVERYTHING, Act, Allowance, Creation, Payout


def show(payload: bytes, listings: Listings) -> Mapping[str, object]:
    """As `wallet.ports.Network.show`. Raises `PayloadMalformed`."""
    tx = decode(payload)
    return {
        "chain_id": tx.chain_id,
        "nonce": tx.nonce,
        **(_payment(tx, listings) if tx.act is None else _act(tx, tx.act, listings)),
        "gas_limit": tx.gas_limit,
        "max_fee_per_gas_wei": str(tx.max_fee_per_gas),
        "max_priority_fee_per_gas_wei": str(tx.max_priority_fee_per_gas),
        "signed": tx.signature is not None,
    }


def _payment(tx: EvmTx, listings: Listings) -> Mapping[str, object]:
    return {
        "asset": _symbol(tx.target if tx.transfer else None, listings),
        "contract": tx.target if tx.transfer else None,
        "to": tx.transfer.target if tx.transfer else tx.target,
        "units": str(tx.transfer.units if tx.transfer else tx.value),
    }


def _act(tx: EvmTx, act: Act, listings: Listings) -> Mapping[str, object]:
    match act:
        case Payout():
            return {
                "asset": _symbol(act.token, listings),
                "contract": act.token,
                "through": tx.target,
                "payments": [{"to": each.target, "units": str(each.units)} for each in act.payments],
                "units": str(act.units),
                "gas_each": act.gas_each,
            }
        case Allowance():
            may_move = "everything" if act.units == EVERYTHING else str(act.units)
            return {
                "asset": _symbol(tx.target, listings),
                "contract": tx.target,
                "allowed": act.spender,
                "units": may_move,
            }
        case Creation():
            return {"creates": "the payout contract"}
        case _:
            assert_never(act)


def _symbol(contract: str | None, listings: Listings) -> str | None:
    listing = listings.native if contract is None else listings.tokens.get(contract.lower())
    return listing.asset.symbol if listing else None
