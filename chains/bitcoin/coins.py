"""Which inputs pay for a tx, and what comes back: coins in, a choice out. Pure.

What this prevents: a tx that costs more than it must, change too small to ever be spent, and a choice that differs from
run to run. A single input that suffices leaves the others for the withdrawals that follow, so the smallest such one is
taken; only where none suffices are inputs gathered, largest first, which keeps the tx small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chains.bitcoin.address import P2TR_PURPOSE, purpose_of_path
from wallet.ports import FundsShort, Utxo

INPUTS_MAX: Final = 500  # 34,000 virtual bytes: a third of what nodes relay as standard
_OVERHEAD_WEIGHT: Final = 4 * 8 + 2  # version, locktime, marker and flag; the two counts are added as they grow
P2WPKH_INPUT_WEIGHT: Final = 4 * 41 + 108  # outpoint, empty script, sequence; a 72-byte signature and a 33-byte key
P2TR_INPUT_WEIGHT: Final = 4 * 41 + 66  # the same with one Schnorr signature of 64 bytes (BIP-341, default hash type)
P2WPKH_OUTPUT_SIZE: Final = 31
P2WSH_OUTPUT_SIZE: Final = 43  # the largest standard output, as for P2TR
DUST_RATE_DEFAULT: Final = 3_000  # units per 1,000 virtual bytes: Bitcoin Core's -dustrelayfee since 0.15
_SPEND_SIZE_WITNESS: Final = 67  # what Bitcoin Core counts for spending a witness output later (policy.cpp)
_SPEND_SIZE_LEGACY: Final = 148


@dataclass(frozen=True, slots=True)
class Choice:
    """`fee_units` is exact: inputs minus outputs. `change_units` is 0 where change would have been dust."""

    inputs: tuple[Utxo, ...]
    fee_units: int
    change_units: int


@dataclass(frozen=True, slots=True)
class Need:
    """What the inputs must pay: the outputs' sum and sizes, at a fee rate. `change_dust_units`: below it change is given up."""

    target_units: int
    output_sizes: tuple[int, ...]
    change_size: int
    change_dust_units: int
    rate: int

    def fee(self, inputs: Sequence[int], *, with_change: bool) -> int:
        """What inputs of these weights cost, together with the outputs."""
        sizes = (*self.output_sizes, self.change_size) if with_change else self.output_sizes
        return fee_units(vsize(inputs, sizes), self.rate)

    def met_by(self, coin: Utxo) -> bool:
        return coin.units >= self.target_units + self.fee([input_weight(coin)], with_change=False)


def choose(available: Sequence[Utxo], need: Need) -> Choice:
    """The same coins and need give the same choice, in whatever order they come. Raises `FundsShort`."""
    ordered = sorted(available, key=lambda coin: (coin.units, coin.outpoint))
    single = next((coin for coin in ordered if need.met_by(coin)), None)
    return _settle((single,) if single is not None else _gather(ordered[::-1], need), need)


def _gather(largest_first: Sequence[Utxo], need: Need) -> tuple[Utxo, ...]:
    total, weights = 0, list[int]()
    for coin in largest_first[:INPUTS_MAX]:
        total += coin.units
        weights.append(input_weight(coin))
        if total >= need.target_units + need.fee(weights, with_change=False):
            return tuple(largest_first[: len(weights)])
    raise FundsShort("the inputs at hand do not cover the payments and the network fee")


def _settle(inputs: tuple[Utxo, ...], need: Need) -> Choice:
    surplus = sum(coin.units for coin in inputs) - need.target_units
    change = surplus - need.fee([input_weight(coin) for coin in inputs], with_change=True)
    if change < need.change_dust_units:
        change = 0
    return Choice(inputs, surplus - change, change)


def input_weight(coin: Utxo) -> int:
    """What spending this coin adds to a tx: its path tells which kind of signature it takes."""
    return P2TR_INPUT_WEIGHT if purpose_of_path(coin.path) == P2TR_PURPOSE else P2WPKH_INPUT_WEIGHT


def vsize(inputs: Sequence[int], output_sizes: Sequence[int]) -> int:
    """Virtual bytes of a tx with inputs of these weights, never less than the signed tx will have."""
    counts = _count_size(len(inputs)) + _count_size(len(output_sizes))
    weight = _OVERHEAD_WEIGHT + 4 * (counts + sum(output_sizes)) + sum(inputs)
    return -(-weight // 4)


def fee_units(virtual_bytes: int, rate: int) -> int:
    """Base units at a rate per 1,000 virtual bytes, rounded up: the network refuses a fraction too little."""
    return -(-virtual_bytes * rate // 1_000)


def dust_units(script: bytes, dust_rate: int) -> int:
    """The smallest output of this script that nodes relay: what it costs to make and later spend it."""
    is_witness = len(script) >= 2 and (script[0] == 0 or 0x51 <= script[0] <= 0x60) and script[1] == len(script) - 2
    spend_size = _SPEND_SIZE_WITNESS if is_witness else _SPEND_SIZE_LEGACY
    return fee_units(8 + _count_size(len(script)) + len(script) + spend_size, dust_rate)


def _count_size(count: int) -> int:
    return 1 if count < 0xFD else 3
