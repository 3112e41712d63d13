"""The same payments from the same inputs at a higher fee (BIP-125), the difference taken from the change.

What this prevents: a second payment. Nothing but the change, which is ours, becomes less; where nothing comes back to us, or
too little, there is nothing that a higher fee could be paid with, and a person is told.
"""

from dataclasses import dataclass
from typing import Final

from chains.bitcoin.address import script_of
from chains.bitcoin.build import Bounds, Change, assemble
from chains.bitcoin.coins import dust_units, fee_units, input_weight, vsize
from chains.bitcoin.decode import UtxoTx, decode
from chains.bitcoin.rawtx import TxOutput
from wallet.money import Asset
from wallet.ports import FundsShort, Unsigned

RELAY_STEP_DEFAULT: Final = 1_000  # units per 1,000 virtual bytes: Bitcoin Core's -incrementalrelayfee until 2025


@dataclass(frozen=True, slots=True)
class Standing:
    """What the network asks of a replacement: `fees_units` is what the tx and everything that spends its outputs pay now (rule
    3), `relay_step` by how much per 1,000 virtual bytes that must be passed (rule 4)."""

    fees_units: int
    relay_step: int


def least_fee(tx: UtxoTx, standing: Standing, rate: int) -> int:
    """For a tx of this size: at the rate, and by BIP-125's rules 3 and 4."""
    return max(fee_units(tx.vsize, rate), standing.fees_units + fee_units(tx.vsize, standing.relay_step))


def raised(payload: bytes, standing: Standing, *, rate: int, asset: Asset, bounds: Bounds) -> Unsigned:
    """`payload` is the dearest one so far. Change that would become dust goes to the fee whole. Raises `FundsShort` where the
    change does not suffice; the caller holds the fee against its caps."""
    tx = decode(payload)
    if tx.change is None or tx.change_index is None:
        raise FundsShort("nothing of this tx comes back to us, so its fee cannot be raised")
    fee = least_fee(tx, standing, rate)
    left = tx.outputs[tx.change_index].units - (fee - tx.fee_units)
    script = script_of(tx.change.address, tx.chain)
    if left < dust_units(script, bounds.dust_rate):
        left = 0
        fee = least_fee_without_change(tx, standing, rate)
    if left == 0 and not tx.payments:
        raise FundsShort("the coins that are gathered are not worth this fee")
    if left == 0 and tx.outputs[tx.change_index].units + tx.fee_units < fee:
        raise FundsShort("what comes back to us does not suffice for the fee that it takes")
    payments = [TxOutput(output.units, script_of(output.address, tx.chain)) for output in tx.payments]
    return assemble(tx.inputs, payments, Change(tx.change, script, left, tx.change_index), asset)


def least_fee_without_change(tx: UtxoTx, standing: Standing, rate: int) -> int:
    """The tx is smaller by one output then."""
    sizes = [made.size for place, made in enumerate(tx.raw.outputs) if place != tx.change_index]
    size = vsize([input_weight(coin) for coin in tx.inputs], sizes)
    return max(fee_units(size, rate), standing.fees_units + fee_units(size, standing.relay_step))
