"""Builds the tx that sends a token back that nobody listed: named by its contract, and counted in the contract's own units."""

from chains.evm.address import parse_address
from chains.evm.build import Payment, try_payment, write_tx
from chains.evm.decode import encode_unsigned
from chains.rpc.client import JsonRpc
from wallet.money import Amount, Asset
from wallet.ports import Fee, Listing, Unsigned
from wallet.ports.tokens import StrayTransfer

_NAMELESS = Asset("STRAY", 0)  # stands in messages only: nothing is counted in it


async def build_recovery(
    rpc: JsonRpc, native: Listing, chain_id: int, transfer: StrayTransfer, nonce: int, fee: Fee, gas_limit_max: int
) -> Unsigned:
    """Whether the source has the gas is for whoever funds it. Raises `FundsShort` where it does not hold the token any more,
    and `NetworkRejected` where the token would not move."""
    listing = Listing(native.network, _NAMELESS, parse_address(transfer.contract), 0)
    payment = Payment(listing, transfer.source, transfer.target, transfer.units)
    trial = await try_payment(rpc, payment, gas_limit_max)
    tx = write_tx(payment, chain_id=chain_id, nonce=nonce, gas=trial.gas_limit, fee=fee)
    return Unsigned(encode_unsigned(tx), (f"{transfer.source}:{nonce}",), Amount(tx.fee_max_wei, native.asset))
