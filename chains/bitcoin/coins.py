"""What coins cost: the size of inputs and outputs, the network fee of a tx, and what is too small to be an output. Pure."""

from collections.abc import Sequence
from typing import Final

from chains.bitcoin.address import P2TR_PURPOSE, purpose_of_path
from wallet.ports import Utxo

INPUTS_MAX: Final = 500  # 34,000 virtual bytes: a third of what nodes relay as standard
_OVERHEAD_WEIGHT: Final = 4 * 8 + 2  # version, locktime, marker and flag; the two counts are added as they grow
P2WPKH_INPUT_WEIGHT: Final = 4 * 41 + 108  # outpoint, empty script, sequence; a 72-byte signature and a 33-byte key
P2TR_INPUT_WEIGHT: Final = 4 * 41 + 66  # the same with one Schnorr signature of 64 bytes (BIP-341, default hash type)
P2WPKH_OUTPUT_SIZE: Final = 31
P2WSH_OUTPUT_SIZE: Final = 43  # the largest standard output, as for P2TR
DUST_RATE_DEFAULT: Final = 3_000  # units per 1,000 virtual bytes: Bitcoin Core's -dustrelayfee since 0.15
_SPEND_SIZE_WITNESS: Final = 67  # what Bitcoin Core counts for spending a witness output later (policy.cpp)
_SPEND_SIZE_LEGACY: Final = 148


def input_weight(coin: Utxo) -> int:
    """What spending this coin adds to a tx: its path tells which kind of signature it takes."""
    return P2TR_INPUT_WEIGHT if purpose_of_path(coin.path) == P2TR_PURPOSE else P2WPKH_INPUT_WEIGHT


def vsize(inputs: Sequence[int], output_sizes: Sequence[int]) -> int:
    """Virtual bytes of a tx with inputs of these weights, never less than the signed tx will have."""
    return -(-tx_weight(inputs, output_sizes) // 4)


def tx_weight(inputs: Sequence[int], output_sizes: Sequence[int]) -> int:
    """The same in weight units (BIP-141): four of them are one virtual byte."""
    counts = _count_size(len(inputs)) + _count_size(len(output_sizes))
    return _OVERHEAD_WEIGHT + 4 * (counts + sum(output_sizes)) + sum(inputs)


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
