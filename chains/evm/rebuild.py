"""Makes what takes the place of a tx on its nonce: the same at a higher fee, or a payment of nothing to ourselves."""

from dataclasses import replace

from chains.evm.balances import balance_of
from chains.evm.build import Payment, try_payment, write_tx
from chains.evm.decode import EvmTx, decode, encode_unsigned
from chains.evm.fees import raised, read_prices
from chains.evm.wire import quantity, unread
from chains.rpc.client import JsonRpc, RpcError
from wallet.money import Amount, Asset
from wallet.ports import Fee, FundsShort, NonceSource, Unsigned


async def raise_fee(
    rpc: JsonRpc, unsigned: bytes, source: str, fee_asset: Asset, cap_wei: int, *, urgent: bool
) -> Unsigned | None:
    """Everything but the two prices stays. None where the tx offers what blocks cost now."""
    tx = decode(unsigned)
    prices = raised(tx, await read_prices(rpc), cap_wei, urgent=urgent)
    if prices is None:
        return None
    dearer = replace(tx, max_fee_per_gas=prices[0], max_priority_fee_per_gas=prices[1])
    await _check_funds(rpc, dearer, source)
    return Unsigned(encode_unsigned(dearer), (f"{source}:{tx.nonce}",), Amount(dearer.fee_max_wei, fee_asset))


async def build_self_cancel(
    rpc: JsonRpc, payment: Payment, chain_id: int, source: NonceSource, fee: Fee, gas_limit_max: int
) -> Unsigned:
    """`payment` moves nothing; what that costs is asked, for a fork may change it."""
    trial = await try_payment(rpc, payment, gas_limit_max)
    tx = write_tx(payment, chain_id=chain_id, nonce=source.nonce, gas=trial.gas_limit, fee=fee)
    if trial.native_wei < tx.fee_max_wei:
        raise FundsShort(f"{source.address} cannot pay for the gas of a self-cancel")
    return Unsigned(encode_unsigned(tx), (f"{source.address}:{source.nonce}",), Amount(tx.fee_max_wei, fee.units.asset))


async def _check_funds(rpc: JsonRpc, tx: EvmTx, source: str) -> None:
    try:
        (told,) = await rpc.batch([balance_of(None, source, "latest")], str)
    except RpcError as error:
        raise unread(error) from error
    if quantity(told) < tx.value + tx.fee_max_wei:
        raise FundsShort(f"{source} has too little for the payment and a higher fee")
