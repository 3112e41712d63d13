"""The same payments from the same inputs at a higher fee (BIP-125), the difference taken from the change.

What this prevents: a second payment. Nothing but the change, which is ours, becomes less; where nothing comes back to us, or
too little, there is nothing that a higher fee could be paid with, and a person is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chains.bitcoin import fees
from chains.bitcoin.address import script_of
from chains.bitcoin.answers import MempoolEntry, MempoolState, Spending, units_of
from chains.bitcoin.build import Bounds, Change, assemble
from chains.bitcoin.coins import dust_units, fee_units, input_weight, vsize
from chains.bitcoin.decode import UtxoTx, decode
from chains.bitcoin.rawtx import TxOutput
from chains.rpc.client import JsonRpc
from wallet.money import Asset
from wallet.ports import FeeTooHigh, FundsShort, Unsigned

RELAY_STEP_DEFAULT: Final = 1_000  # units per 1,000 virtual bytes: Bitcoin Core's -incrementalrelayfee until 2025


@dataclass(frozen=True, slots=True)
class Price:
    """What a replacement shall pay. `rate` is the present one, `fees_units` what the tx and everything that spends its outputs
    pay now (rule 3), `relay_step` by how much per 1,000 virtual bytes that must be passed (rule 4). The present rate is
    followed up to `cap_units`; what the rules ask may pass it, and then it is for the caller to say no."""

    rate: int
    fees_units: int
    relay_step: int
    cap_units: int

    def of(self, size: int) -> int:
        least = self.fees_units + fee_units(size, self.relay_step)
        return max(least, min(fee_units(size, self.rate), self.cap_units))


async def raise_fee(rpc: JsonRpc, payload: bytes, *, asset: Asset, bounds: Bounds, urgent: bool) -> Unsigned | None:
    """As `wallet.ports.Replacing`. `payload` is the dearest one so far."""
    tx = decode(payload)
    blocks = fees.URGENT_BLOCKS if urgent else fees.TARGET_BLOCKS
    rate = (await fees.estimate_fee(rpc, asset=asset, rate_max=bounds.rate_max, blocks=blocks)).rate
    if tx.fee_units >= fee_units(tx.vsize, rate) and not urgent:
        return None
    state = await rpc.call("getmempoolinfo", [], MempoolState)
    step = RELAY_STEP_DEFAULT if state.incrementalrelayfee is None else units_of(state.incrementalrelayfee)
    standing = await _paid_together(rpc, [coin.outpoint for coin in tx.inputs])
    price = Price(rate, max(tx.fee_units, standing), step, bounds.fee_units_max)
    unsigned = raised(tx, price, asset=asset, dust_rate=bounds.dust_rate)
    dearest = fee_units(tx.vsize, bounds.rate_max)
    if unsigned.fee_max.units > min(bounds.fee_units_max, dearest):
        raise FeeTooHigh(f"a replacement would cost {unsigned.fee_max.units} units, more than is allowed")
    return unsigned


async def _paid_together(rpc: JsonRpc, outpoints: Sequence[str]) -> int:
    """By the txs in the mempool that spend these, and by what is built on them: payees may have spent what we paid them."""
    split = [outpoint.partition(":") for outpoint in outpoints]
    asked = [{"txid": parent, "vout": int(index)} for parent, _, index in split]
    spending = await rpc.call("gettxspendingprevout", [asked], list[Spending])
    total = 0
    for tx in sorted({one.spendingtxid for one in spending if one.spendingtxid is not None}):
        entry = await rpc.find("getmempoolentry", [tx], MempoolEntry)
        total += 0 if entry is None else units_of(entry.fees.descendant)
    return total


def raised(tx: UtxoTx, price: Price, *, asset: Asset, dust_rate: int) -> Unsigned:
    """Change that would become dust goes to the fee whole. Raises `FundsShort` where the change does not suffice."""
    if tx.change is None or tx.change_index is None:
        raise FundsShort("nothing of this tx comes back to us, so its fee cannot be raised")
    back, script = tx.outputs[tx.change_index].units, script_of(tx.change.address, tx.chain)
    left = back + tx.fee_units - price.of(tx.vsize)
    if left < dust_units(script, dust_rate):
        left = 0
        if not tx.payments or back + tx.fee_units < price.of(_size_without_change(tx)):
            raise FundsShort("what comes back to us does not suffice for the fee that it takes")
    payments = [TxOutput(output.units, script_of(output.address, tx.chain)) for output in tx.payments]
    return assemble(tx.inputs, payments, Change(tx.change, script, left, tx.change_index), asset)


def _size_without_change(tx: UtxoTx) -> int:
    sizes = [made.size for place, made in enumerate(tx.raw.outputs) if place != tx.change_index]
    return vsize([input_weight(coin) for coin in tx.inputs], sizes)
