"""What gas costs now, and how much of it a tx may use. Nothing here is a known price: all is asked, and capped."""

from chains.evm.wire import FeeHistoryAnswer, is_failure, quantity
from chains.rpc.client import Call, JsonRpc, RpcError
from wallet.ports import CostTooHigh, NetworkUnreachable, RecipientRefuses

GasCall = dict[str, str]
"""A tx in the form that eth_call and eth_estimateGas take."""


async def gas_price(rpc: JsonRpc, cap_wei: int) -> tuple[int, int]:
    """Maximum fee and tip in wei per gas: twice the next block's base fee plus the tip, so that six full blocks in a row
    do not price us out (EIP-1559: at most +12.5 % per block), and never more than the cap. At a cap below the base fee
    a tx waits for cheaper blocks."""
    history, tip = await read_prices(rpc)
    tip = min(tip, cap_wei)
    return min(2 * history + tip, cap_wei), tip


async def read_prices(rpc: JsonRpc) -> tuple[int, int]:
    """The base fee of the next block and the tip that the node suggests, in wei per gas."""
    history = await rpc.call("eth_feeHistory", ["0x1", "latest", []], FeeHistoryAnswer)
    tip = await rpc.call("eth_maxPriorityFeePerGas", [], str)
    if not history.base_fee_per_gas:
        raise NetworkUnreachable("the node answered a fee history without fees")
    return quantity(history.base_fee_per_gas[-1]), quantity(tip)


def estimate_call(call: GasCall) -> Call:
    return ("eth_estimateGas", [call])


def gas_limit(estimate: str | RpcError, *, margin: bool, most: int) -> int:
    """The limit for an estimate; a quarter more where code runs whose path may differ by then (unused gas is not paid).

    Raises `RecipientRefuses` where the chain refuses the tx, `CostTooHigh` where it would use more than `most`.
    """
    if isinstance(estimate, RpcError):
        raise refusal(estimate)
    needed = quantity(estimate)
    limit = needed + (needed >> 2) if margin else needed
    if limit > most:
        raise CostTooHigh(f"the tx would use up to {limit} gas, above our limit of {most}")
    return limit


def refusal(error: RpcError) -> RecipientRefuses | NetworkUnreachable:
    """A failed execution is an answer; any other error is none."""
    if is_failure(error):
        return RecipientRefuses(f"the chain would refuse this payment: {error.message}")
    return NetworkUnreachable(str(error))
