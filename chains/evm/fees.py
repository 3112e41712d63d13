"""What gas costs now, and how much of it a tx may use. Nothing here is a known price: all is asked, compared with what recent
blocks cost, and capped.

What this prevents: a provider that lies or errs about fees (nothing, a thousand times the price, gwei for wei) and burns our
money with them, or lets a payment wait for ever. What cannot be by the chain's own rules is refused, never clipped: the payment
waits, and operators are told.
"""

from dataclasses import dataclass

import msgspec

from chains.evm.decode import EvmTx
from chains.evm.wire import FeeHistoryAnswer, HeadFeeAnswer, is_failure, quantity
from chains.rpc.client import Call, JsonRpc, RpcError
from wallet.ports import CostTooHigh, FeeAbsurd, FeeTooHigh, NetworkUnreachable, RecipientRefuses

GasCall = dict[str, str]
"""A tx in the form that eth_call and eth_estimateGas take."""

RECENT_BLOCKS = 20
BASE_FEE_TIMES_MAX = 4  # EIP-1559: at most +12.5 % a block, so after 20 full ones at most 3.5 times their median
BASE_FEE_SHIFT_MAX = 3  # and after 20 empty ones at least a quarter of it: below an eighth is a lie
TIP_TIMES_MAX = 10  # of what was paid lately; nodes suggest tips by blocks that differ
PRICE_FLOOR_WEI = 10**6  # a base fee of so little costs nothing whatever it is a multiple of
TIP_FLOOR_WEI = 2 * 10**9  # clients suggest up to 1 gwei where nobody pays any
REPLACED_AT_PERCENT = 110  # geth's txpool.pricebump, of both prices; Nethermind, Besu, Erigon and Reth ask the same


@dataclass(frozen=True, slots=True)
class Prices:
    """In wei per gas: the base fee of the next block, and the tip that the node suggests."""

    base: int
    tip: int

    @property
    def total(self) -> int:
        return self.base + self.tip


async def gas_price(rpc: JsonRpc, cap_wei: int) -> tuple[int, int]:
    """Maximum fee and tip in wei per gas: twice the next block's base fee plus the tip, so that six full blocks in a row
    do not price us out (EIP-1559: at most +12.5 % per block), and never more than the cap. Raises `FeeTooHigh` where the cap
    pays for no block now, `FeeAbsurd`, and the network's other errors."""
    return offered(await read_prices(rpc), cap_wei)


def offered(prices: Prices, cap_wei: int) -> tuple[int, int]:
    if prices.total > cap_wei:
        raise FeeTooHigh(f"a unit of gas costs {prices.total} wei now, and we pay at most {cap_wei}")
    return min(prices.base + prices.total, cap_wei), prices.tip


def raised(tx: EvmTx, prices: Prices, cap_wei: int, *, urgent: bool) -> tuple[int, int] | None:
    """What replaces a tx: the present price, and at the least what every node asks of a replacement. None while the tx offers
    the present price, unless it is `urgent`. Raises `FeeTooHigh` where that is above the cap."""
    if tx.max_fee_per_gas >= prices.total and tx.max_priority_fee_per_gas >= prices.tip and not urgent:
        return None
    least, tip = _dearer(tx.max_fee_per_gas), max(_dearer(tx.max_priority_fee_per_gas), prices.tip)
    rate = max(min(prices.base + prices.total, cap_wei), least, tip)
    if max(rate, prices.total) > cap_wei:
        raise FeeTooHigh(f"a replacement would offer {rate} wei for a unit of gas, and we pay at most {cap_wei}")
    return rate, tip


def _dearer(wei: int) -> int:
    """Rounded up, and more also than nothing."""
    return max(-(-wei * REPLACED_AT_PERCENT // 100), wei + 1)


async def read_prices(rpc: JsonRpc) -> Prices:
    """Raises `FeeAbsurd` for prices that cannot be, and `NetworkUnreachable` for answers that are none."""
    asked: list[Call] = [
        ("eth_feeHistory", [hex(RECENT_BLOCKS), "latest", [50]]),
        ("eth_maxPriorityFeePerGas", []),
        ("eth_getBlockByNumber", ["latest", False]),
    ]
    told = await rpc.batch(asked, msgspec.Raw)
    try:
        history = msgspec.json.decode(told[0], type=FeeHistoryAnswer)
        tip = quantity(msgspec.json.decode(told[1], type=str))
        head = msgspec.json.decode(told[2], type=HeadFeeAnswer)
    except msgspec.DecodeError as error:
        raise NetworkUnreachable("the node answered fees that are none") from error
    base_fees = [quantity(fee) for fee in history.base_fee_per_gas]
    if not base_fees:
        raise NetworkUnreachable("the node answered a fee history without fees")
    _compare_with_block(history, base_fees, head)
    prices = Prices(base_fees[-1], tip)
    _judge(prices, base_fees[:-1] or base_fees, _rewards(history))
    return prices


def _compare_with_block(history: FeeHistoryAnswer, base_fees: list[int], head: HeadFeeAnswer) -> None:
    """The same number in the block itself: whoever swaps units does so in one place."""
    place = quantity(head.number) - quantity(history.oldest_block)
    if head.base_fee_per_gas is None or not 0 <= place < len(base_fees):
        return
    if quantity(head.base_fee_per_gas) != base_fees[place]:
        raise FeeAbsurd(f"block {quantity(head.number)} has another base fee than the node's history of fees says")


def _judge(prices: Prices, recent: list[int], rewards: list[int]) -> None:
    usual = sorted(recent)[len(recent) >> 1]
    if prices.base > max(usual * BASE_FEE_TIMES_MAX, PRICE_FLOOR_WEI):
        raise FeeAbsurd(f"a base fee of {prices.base} wei after blocks of about {usual} cannot be")
    if max(prices.base, PRICE_FLOOR_WEI) < usual >> BASE_FEE_SHIFT_MAX:
        raise FeeAbsurd(f"a base fee of {prices.base} wei after blocks of about {usual} cannot be")
    paid = sorted(rewards)[len(rewards) >> 1] if rewards else 0
    if prices.tip > max(paid * TIP_TIMES_MAX, usual << 1, TIP_FLOOR_WEI):
        raise FeeAbsurd(f"a tip of {prices.tip} wei is suggested where about {paid} is paid")
    if not prices.total:
        raise FeeAbsurd("the node says that gas costs nothing")


def _rewards(history: FeeHistoryAnswer) -> list[int]:
    """The usual tip of each block that had one."""
    tips = [quantity(tip) for block in history.reward or [] for tip in block]
    return [tip for tip in tips if tip]


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
