"""Payloads read for what they would do: the unsigned one that the signer judges, and the signed tx that leaves.

What this prevents: blind signing. The payload is JSON around the unsigned tx; every fact beside the tx (what an input is
worth, which key it needs, which output returns to us) is checked against the tx or marked as a claim:

- that an input exists, is worth `units` and pays `address` is a claim. The signature commits to both (BIP-143, BIP-341), so a
  wrong one makes a tx that the network refuses; only the loss of an input's worth to the fee across *two* signatures of the
  same input is not caught by that, hence no input is ever signed for twice but in a replacement, which claims the same of it.
- that `path` leads to `address`, for inputs and change, is for the signer to derive.

There is one way to write a payload down; anything else is refused. This module reaches nothing but bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chains.bitcoin.address import address_of, purpose_of, script_of
from chains.bitcoin.bech32 import decode_segwit
from chains.bitcoin.coins import INPUTS_MAX, input_weight, vsize
from chains.bitcoin.parameters import UNITS_MAX, Chain, chain_of_prefix
from chains.bitcoin.rawtx import RawMalformed, RawTx, parse_tx
from wallet.ports import Derived, Utxo

PAYLOAD_BYTES_MAX: Final = 400_000  # 500 inputs take about 130,000
TX_VERSION: Final = 2
SEQUENCE: Final = 0xFFFFFFFD  # BIP-125: the fee may be raised later; no relative lock
_VERSION: Final = 1
_PATH = re.compile(r"m/(84|86)'/(0|[1-9][0-9]{0,9})'/(?:0|[1-9][0-9]{0,2})'/0/(?:0|[1-9][0-9]{0,9})", re.ASCII)


class PayloadMalformed(ValueError):
    """Bytes that are no payload of ours. The message names the rule that they break."""


@dataclass(frozen=True, slots=True)
class Output:
    address: str
    units: int


@dataclass(frozen=True, slots=True)
class UtxoTx:
    """An unsigned payload. `inputs` are in the order of the tx and of the keys; `change_index` is its place among `outputs`."""

    raw: RawTx
    chain: Chain
    inputs: tuple[Utxo, ...]
    outputs: tuple[Output, ...]
    change: Derived | None
    change_index: int | None
    fee_units: int
    vsize: int

    @property
    def tx(self) -> str:
        return self.raw.tx

    @property
    def payments(self) -> tuple[Output, ...]:
        """The outputs that leave us."""
        return tuple(output for place, output in enumerate(self.outputs) if place != self.change_index)


class _Input(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    address: str
    outpoint: str
    path: str
    units: int


class _Change(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    address: str
    path: str


class _Payload(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    change: _Change | None
    inputs: list[_Input]
    tx: str
    v: int


_DECODER = msgspec.json.Decoder(_Payload)


def encode(raw: RawTx, inputs: Sequence[Utxo], change: Derived | None) -> bytes:
    """The one payload for this unsigned tx; `inputs` in its order."""
    return _encode(
        _Payload(
            change=None if change is None else _Change(change.address, change.path),
            inputs=[_Input(spent.address, spent.outpoint, spent.path, spent.units) for spent in inputs],
            tx=raw.stripped().hex(),
            v=_VERSION,
        )
    )


def _encode(payload: _Payload) -> bytes:
    return msgspec.json.encode(payload, order="sorted")


def decode(payload: bytes) -> UtxoTx:
    """All that an unsigned payload would do. Raises `PayloadMalformed`."""
    try:
        return _judge(_read(payload))
    except PayloadMalformed:
        raise
    except ValueError as error:
        raise PayloadMalformed(str(error)) from error


def _read(payload: bytes) -> _Payload:
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise PayloadMalformed(f"a payload has at most {PAYLOAD_BYTES_MAX} bytes")
    try:
        read = _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadMalformed("the payload is not of the agreed form") from error
    if read.v != _VERSION or _encode(read) != payload:
        raise PayloadMalformed("the payload is not written in its one canonical form")
    return read


def _judge(read: _Payload) -> UtxoTx:
    raw = _unsigned_tx(read.tx)
    chain = _chain(read)
    inputs = tuple(Utxo(spent.outpoint, spent.units, spent.address, spent.path) for spent in read.inputs)
    _check_inputs(inputs, raw, chain)
    outputs = _outputs(raw, chain)
    change = None if read.change is None else Derived(read.change.address, read.change.path)
    return UtxoTx(
        raw=raw,
        chain=chain,
        inputs=inputs,
        outputs=outputs,
        change=change,
        change_index=_change_index(change, outputs, chain),
        fee_units=_fee(inputs, outputs),
        vsize=vsize([input_weight(spent) for spent in inputs], [made.size for made in raw.outputs]),
    )


def _unsigned_tx(text: str) -> RawTx:
    raw = parse_tx(bytes.fromhex(text))
    if raw.stripped().hex() != text:
        raise PayloadMalformed("the tx is not written as the network would write it")
    if raw.witnesses or any(spent.script for spent in raw.inputs):
        raise PayloadMalformed("the tx is signed already")
    if raw.version != TX_VERSION or raw.locktime or any(spent.sequence != SEQUENCE for spent in raw.inputs):
        raise PayloadMalformed("the tx has another version, locktime or sequence than we build")
    return raw


def _chain(read: _Payload) -> Chain:
    """The chain that the first input's address names; all others must then be of the same."""
    if not read.inputs:
        raise PayloadMalformed("a tx without inputs pays nobody")
    prefix, _, _ = decode_segwit(read.inputs[0].address)
    return chain_of_prefix(prefix)


def _check_inputs(inputs: tuple[Utxo, ...], raw: RawTx, chain: Chain) -> None:
    if len(inputs) > INPUTS_MAX or len(set(raw.inputs)) != len(raw.inputs):
        raise PayloadMalformed(f"a tx has at most {INPUTS_MAX} inputs, each once")
    if [spent.outpoint for spent in inputs] != [spent.outpoint for spent in raw.inputs]:
        raise PayloadMalformed("the inputs described are not those of the tx")
    for spent in inputs:
        _check_owned(spent.address, spent.path, chain)
        if not 0 < spent.units <= UNITS_MAX:
            raise PayloadMalformed("an input is worth nothing, or more than can exist")


def _check_owned(address: str, path: str, chain: Chain) -> None:
    """Keys of ours have a path of this chain, whose purpose names the kind of their address, written in lower case."""
    match = _PATH.fullmatch(path)
    if match is None or int(match.group(2)) != chain.coin:
        raise PayloadMalformed("a path is not one of this chain's keys")
    script = script_of(address, chain)
    if purpose_of(script) != int(match.group(1)) or address_of(script, chain) != address:
        raise PayloadMalformed("an address of ours is not of the kind that its path names, in canonical form")


def _outputs(raw: RawTx, chain: Chain) -> tuple[Output, ...]:
    outputs = []
    for made in raw.outputs:
        address = address_of(made.script, chain)
        if address is None or not made.units:
            raise PayloadMalformed("an output has no standard address or no value")
        outputs.append(Output(address, made.units))
    if not outputs:
        raise PayloadMalformed("a tx without outputs pays nobody")
    return tuple(outputs)


def _change_index(change: Derived | None, outputs: tuple[Output, ...], chain: Chain) -> int | None:
    if change is None:
        return None
    _check_owned(change.address, change.path, chain)
    places = [place for place, output in enumerate(outputs) if output.address == change.address]
    if len(places) != 1:
        raise PayloadMalformed("the change is not exactly one output")
    return places[0]


def _fee(inputs: tuple[Utxo, ...], outputs: tuple[Output, ...]) -> int:
    fee = sum(spent.units for spent in inputs) - sum(output.units for output in outputs)
    if fee < 0:
        raise PayloadMalformed("the outputs are worth more than the inputs")
    return fee


def decode_signed(payload: bytes) -> RawTx:
    """A signed tx: every input with a witness and no script. Raises `PayloadMalformed`."""
    try:
        raw = parse_tx(payload)
    except RawMalformed as error:
        raise PayloadMalformed(str(error)) from error
    if len(raw.witnesses) != len(raw.inputs) or not all(raw.witnesses) or any(spent.script for spent in raw.inputs):
        raise PayloadMalformed("the tx is not signed by witnesses alone")
    return raw


def show(payload: bytes, chain: Chain) -> dict[str, object]:
    """An unsigned or signed payload for people and logs. Raises `PayloadMalformed`."""
    if payload.startswith(b"{"):
        return _show_unsigned(decode(payload))
    raw = decode_signed(payload)
    return {
        "tx": raw.tx,
        "signed": True,
        "inputs": [spent.outpoint for spent in raw.inputs],
        "outputs": [{"address": address_of(made.script, chain), "units": str(made.units)} for made in raw.outputs],
        "vsize": raw.vsize,
    }


def _show_unsigned(decoded: UtxoTx) -> dict[str, object]:
    return {
        "tx": decoded.tx,
        "signed": False,
        "inputs": [{"outpoint": coin.outpoint, "units": str(coin.units), "path": coin.path} for coin in decoded.inputs],
        "outputs": [
            {"address": output.address, "units": str(output.units), "change": place == decoded.change_index}
            for place, output in enumerate(decoded.outputs)
        ],
        "fee_units": str(decoded.fee_units),
        "vsize": decoded.vsize,
    }
