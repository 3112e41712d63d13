"""Unsigned payloads: payments in, a tx out, the same one each time for the same coins and fee.

What this prevents: a fee beyond any reason, an output that no node relays, and change that goes astray.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from chains.bitcoin.address import script_of
from chains.bitcoin.coins import P2WPKH_INPUT_WEIGHT, dust_units, fee_units, input_weight, vsize
from chains.bitcoin.decode import SEQUENCE, TX_VERSION, encode
from chains.bitcoin.parameters import Chain
from chains.bitcoin.rawtx import RawTx, TxInput, TxOutput
from chains.bitcoin.selection import Need, candidates, select
from wallet.money import Amount, Asset
from wallet.ports import Derived, FundsShort, Instruction, Unsigned, Utxo, UtxoSource

BATCH_MAX: Final = 100  # payments in one tx: beyond it a payment costs hardly less, and more wait for one change


@dataclass(frozen=True, slots=True)
class Bounds:
    """What no tx may pass: `rate_max` is relative to its size (units per 1,000 virtual bytes), `fee_units_max` absolute.
    `dust_rate` is the node's rate by which it judges outputs too small, `long_term_rate` what coins cost when nothing presses.
    """

    rate_max: int
    fee_units_max: int
    dust_rate: int
    long_term_rate: int


def build(
    instructions: Sequence[Instruction], source: UtxoSource, *, rate: int, asset: Asset, chain: Chain, bounds: Bounds
) -> Unsigned:
    """A tx that pays all instructions, change going to `source.change`. `consumes` is in the order of the tx's inputs, in
    which the signer wants the keys.

    Raises `FundsShort`, also where our coins are so small that the fee would pass the bounds, which is not the payment's fault;
    `ValueError` for a payment that the network would not relay or a rate above the bounds.
    """
    if not 0 < rate <= bounds.rate_max:
        raise ValueError(f"a fee rate of {rate} units per 1,000 virtual bytes is outside 1 to {bounds.rate_max}")
    change_script = script_of(source.change.address, chain)
    payments = [_payment(instruction, asset, chain, bounds) for instruction in instructions]
    _check_payments(payments, change_script)
    need = Need(
        target_units=sum(payment.units for payment in payments),
        output_sizes=tuple(payment.size for payment in payments),
        rate=rate,
        long_term_rate=bounds.long_term_rate,
        change_size=TxOutput(0, change_script).size,
        change_dust_units=dust_units(change_script, bounds.dust_rate),
        change_spend_weight=P2WPKH_INPUT_WEIGHT,
        fee_units_max=bounds.fee_units_max,
    )
    chance = _chance(instructions)
    choice = select(source.available, need, chance)
    place = chance.randrange(len(payments) + 1)
    return assemble(choice.inputs, payments, Change(source.change, change_script, choice.change_units, place), asset)


def gather(source: UtxoSource, *, rate: int, asset: Asset, chain: Chain, bounds: Bounds) -> Unsigned:
    """A tx that pays nobody: all coins that are worth more than their own fee become one. Raises `FundsShort` where fewer than
    two are, or the fee would pass its bounds."""
    script = script_of(source.change.address, chain)
    worthy = [one.coin for one in candidates(source.available, rate)]
    fee = fee_units(vsize([input_weight(coin) for coin in worthy], (TxOutput(0, script).size,)), rate)
    left = sum(coin.units for coin in worthy) - fee
    if len(worthy) < 2 or left < dust_units(script, bounds.dust_rate):
        raise FundsShort("these coins are not worth being gathered")
    if fee > bounds.fee_units_max:
        raise FundsShort(f"the fee would pass {bounds.fee_units_max} units")
    return assemble(worthy, (), Change(source.change, script, left, 0), asset)


def _chance(instructions: Sequence[Instruction]) -> Random:
    """The same for the same payments. Nothing secret rests on it: it only keeps the coins that are left of all sizes, and
    tells nobody which output is ours."""
    return Random("|".join(instruction.reference for instruction in instructions))  # noqa: S311


def smallest_payment(address: str, chain: Chain, dust_rate: int) -> int:
    """The least that nodes relay to this address, in base units."""
    return dust_units(script_of(address, chain), dust_rate)


def _payment(instruction: Instruction, asset: Asset, chain: Chain, bounds: Bounds) -> TxOutput:
    if instruction.amount.asset != asset:
        raise ValueError(f"this network pays {asset.symbol} only")
    address = instruction.destination.address
    smallest = smallest_payment(address, chain, bounds.dust_rate)
    if instruction.amount.units < smallest:
        raise ValueError(f"the network does not relay less than {smallest} units to such an address")
    return TxOutput(instruction.amount.units, script_of(address, chain))


def _check_payments(payments: Sequence[TxOutput], change_script: bytes) -> None:
    if not 1 <= len(payments) <= BATCH_MAX:
        raise ValueError(f"a tx makes 1 to {BATCH_MAX} payments")
    if any(payment.script == change_script for payment in payments):
        raise ValueError("a payment to our own change address is no withdrawal")


@dataclass(frozen=True, slots=True)
class Change:
    """What comes back, and its place among the outputs; nothing where it is worth 0 units."""

    to: Derived
    script: bytes
    units: int
    place: int


def assemble(inputs: Sequence[Utxo], payments: Sequence[TxOutput], change: Change, asset: Asset) -> Unsigned:
    """Inputs in the order of BIP-69. Payments are in the order in which they were asked for, by which the signer knows which
    withdrawal each of them is."""
    spent = sorted(inputs, key=lambda coin: _split(coin.outpoint))
    made = TxOutput(change.units, change.script)
    outputs = [*payments[: change.place], *([made] if change.units else []), *payments[change.place :]]
    raw = RawTx(TX_VERSION, tuple(_input(coin) for coin in spent), tuple(outputs), 0)
    fee = sum(coin.units for coin in spent) - sum(output.units for output in outputs)
    return Unsigned(
        payload=encode(raw, spent, change.to if change.units else None),
        consumes=tuple(coin.outpoint for coin in spent),
        fee_max=Amount(fee, asset),
        change=Utxo(f"{raw.tx}:{change.place}", change.units, change.to.address, change.to.path)
        if change.units
        else None,
    )


def _input(coin: Utxo) -> TxInput:
    parent, index = _split(coin.outpoint)
    return TxInput(parent, index, SEQUENCE)


def _split(outpoint: str) -> tuple[str, int]:
    parent, _, index = outpoint.partition(":")
    return parent, int(index)
