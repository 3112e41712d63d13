"""What a withdrawal costs now: the node's estimate, held between what it relays and what we allow.

What this prevents: a tx that no node takes, and a fee beyond reason because a source lied or a unit was mistaken. No
policy of any node version is written down here; the node is asked for its own.
"""

from chains.bitcoin.answers import Estimate, MempoolState, units_of
from chains.bitcoin.coins import (
    DUST_RATE_DEFAULT,
    P2WPKH_INPUT_WEIGHT,
    P2WPKH_OUTPUT_SIZE,
    P2WSH_OUTPUT_SIZE,
    fee_units,
    vsize,
)
from chains.rpc.client import JsonRpc
from wallet.money import Amount, Asset
from wallet.ports import Fee, NetworkRejected

TARGET_BLOCKS = 6  # about an hour
URGENT_BLOCKS = 2
LONG_TERM_BLOCKS = 1_008  # a week: as far as nodes look back
LONG_TERM_RATE_DEFAULT = 10_000  # units per 1,000 virtual bytes: Bitcoin Core's -consolidatefeerate
_TYPICAL_INPUTS = (P2WPKH_INPUT_WEIGHT, P2WPKH_INPUT_WEIGHT)  # the heavier kind


async def estimate_fee(rpc: JsonRpc, *, asset: Asset, rate_max: int, blocks: int = TARGET_BLOCKS) -> Fee:
    """`rate` in units per 1,000 virtual bytes; `units` for two inputs, the largest standard output and change.

    Raises `NetworkRejected` when even the least that the node relays is above `rate_max`.
    """
    estimated = await rpc.call("estimatesmartfee", [blocks, "conservative"], Estimate)
    lowest = await _lowest_rate(rpc)
    if lowest > rate_max:
        raise NetworkRejected(f"the network asks {lowest} units per 1,000 virtual bytes, above the {rate_max} allowed")
    wanted = lowest if estimated.feerate is None else max(lowest, units_of(estimated.feerate))
    rate = min(wanted, rate_max)
    size = vsize(_TYPICAL_INPUTS, (P2WSH_OUTPUT_SIZE, P2WPKH_OUTPUT_SIZE))
    return Fee(rate=rate, units=Amount(fee_units(size, rate), asset))


async def _lowest_rate(rpc: JsonRpc) -> int:
    """What the node relays now: its fixed minimum, or more while its mempool is full. Never 0."""
    state = await rpc.call("getmempoolinfo", [], MempoolState)
    return max(units_of(state.mempoolminfee), units_of(state.minrelaytxfee), 1)


async def long_term_rate(rpc: JsonRpc, *, rate_max: int) -> int:
    """What an input will cost when nothing presses: the node's estimate for the longest time that it knows. Where it has none,
    what Bitcoin Core consolidates at."""
    estimated = await rpc.call("estimatesmartfee", [LONG_TERM_BLOCKS, "economical"], Estimate)
    found = LONG_TERM_RATE_DEFAULT if estimated.feerate is None else units_of(estimated.feerate)
    return min(max(found, 1), rate_max)


async def dust_rate(rpc: JsonRpc) -> int:
    """The rate by which outputs are judged too small; where the node does not tell, that of Bitcoin Core."""
    told = (await rpc.call("getmempoolinfo", [], MempoolState)).dustrelayfee
    return DUST_RATE_DEFAULT if told is None else max(units_of(told), DUST_RATE_DEFAULT)
