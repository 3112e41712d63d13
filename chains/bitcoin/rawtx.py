"""A tx as bytes: read strictly, written minimally.

What this prevents: a signer or a scanner that sees something else in the bytes than the network does. What does not parse
to the last byte is refused. Source: BIP-141 and BIP-144, and Bitcoin Core's serialisation.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from chains.bitcoin.parameters import UNITS_MAX

WITNESS_SCALE: Final = 4  # BIP-141: a witness byte weighs one, every other four
TXID_BYTES: Final = 32
_MARKER_AND_FLAG: Final = b"\x00\x01"
_COMPACT_SIZES: Final = {0xFD: (2, 0xFD), 0xFE: (4, 0x1_0000), 0xFF: (8, 0x1_0000_0000)}  # width, smallest lawful value
_COINBASE_PARENT: Final = "00" * TXID_BYTES


class RawMalformed(ValueError):
    """Bytes that are not what they should be. The message names the place, never the content."""


class RawContradicted(RawMalformed):
    """Bytes that are sound and are not what a hash says that they are: whoever sent them lies, or holds damaged blocks."""


@dataclass(frozen=True, slots=True)
class TxInput:
    """`parent` is the id of the tx whose output `index` is spent."""

    parent: str
    index: int
    sequence: int
    script: bytes = b""

    @property
    def outpoint(self) -> str:
        return f"{self.parent}:{self.index}"


@dataclass(frozen=True, slots=True)
class TxOutput:
    units: int
    script: bytes

    @property
    def size(self) -> int:
        """Serialised, in bytes."""
        return 8 + len(_compact_size(len(self.script))) + len(self.script)


@dataclass(frozen=True, slots=True)
class RawTx:
    """`witnesses` is empty before signing, afterwards one stack per input."""

    version: int
    inputs: tuple[TxInput, ...]
    outputs: tuple[TxOutput, ...]
    locktime: int
    witnesses: tuple[tuple[bytes, ...], ...] = ()

    @property
    def tx(self) -> str:
        """The txid: a hash over everything but the witnesses, and so known before signing."""
        return hash256(self.stripped())[::-1].hex()

    @property
    def coinbase(self) -> bool:
        return len(self.inputs) == 1 and self.inputs[0].parent == _COINBASE_PARENT

    @property
    def vsize(self) -> int:
        """Virtual bytes, rounded up as the network rounds them."""
        weight = len(self.stripped()) * (WITNESS_SCALE - 1) + len(self.serialised())
        return -(-weight // WITNESS_SCALE)

    def stripped(self) -> bytes:
        """Without witnesses: what the txid hashes."""
        return self._version() + self._body() + self._locktime()

    def serialised(self) -> bytes:
        """As it travels, with witnesses where there are any."""
        if not self.witnesses:
            return self.stripped()
        stacks = b"".join(map(_stack, self.witnesses))
        return self._version() + _MARKER_AND_FLAG + self._body() + stacks + self._locktime()

    def _version(self) -> bytes:
        return self.version.to_bytes(4, "little")

    def _locktime(self) -> bytes:
        return self.locktime.to_bytes(4, "little")

    def _body(self) -> bytes:
        return b"".join([
            _compact_size(len(self.inputs)),
            *map(_input, self.inputs),
            _compact_size(len(self.outputs)),
            *map(_output, self.outputs),
        ])  # fmt: skip


def hash256(octets: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(octets).digest()).digest()


def parse_tx(octets: bytes) -> RawTx:
    """Exactly one tx and nothing behind it. Raises `RawMalformed`."""
    reader = Reader(octets)
    raw, _ = read_tx(reader)
    reader.finish()
    return raw


def read_tx(reader: "Reader") -> tuple[RawTx, bytes]:
    """The next tx, with the stripped bytes that its id hashes. Raises `RawMalformed`."""
    version, start = reader.take(4), reader.at
    has_witness = reader.octets[start : start + 2] == _MARKER_AND_FLAG
    if has_witness:
        reader.take(2)
    start = reader.at
    inputs = tuple([_read_input(reader) for _ in range(reader.count())])
    outputs = tuple([_read_output(reader) for _ in range(reader.count())])
    body = reader.octets[start : reader.at]
    witnesses = tuple([_read_stack(reader) for _ in inputs]) if has_witness else ()
    locktime = reader.take(4)
    if has_witness and not any(witnesses):
        raise RawMalformed("a tx announces witnesses and has none")
    raw = RawTx(int.from_bytes(version, "little"), inputs, outputs, int.from_bytes(locktime, "little"), witnesses)
    return raw, version + body + locktime


class Reader:
    """A place in a string of bytes that only moves forward. Every read beyond the end raises `RawMalformed`."""

    __slots__ = ("at", "octets")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def take(self, length: int) -> bytes:
        taken = self.octets[self.at : self.at + length]
        if len(taken) != length:
            raise RawMalformed("the bytes end too early")
        self.at += length
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def count(self) -> int:
        """A compact size, in its only lawful (shortest) form."""
        first = self.number(1)
        if first not in _COMPACT_SIZES:
            return first
        width, smallest = _COMPACT_SIZES[first]
        value = self.number(width)
        if value < smallest:
            raise RawMalformed("a length is not written in its shortest form")
        if value > len(self.octets):
            raise RawMalformed("a length is longer than all the bytes")
        return value

    def string(self) -> bytes:
        return self.take(self.count())

    def finish(self) -> None:
        if self.at != len(self.octets):
            raise RawMalformed("there are bytes behind the end")


def _read_input(reader: Reader) -> TxInput:
    parent = reader.take(TXID_BYTES)[::-1].hex()
    index = reader.number(4)
    script = reader.string()
    return TxInput(parent, index, reader.number(4), script)


def _read_output(reader: Reader) -> TxOutput:
    units = reader.number(8)
    if units > UNITS_MAX:
        raise RawMalformed("an output is above all the coins that can exist")
    return TxOutput(units, reader.string())


def _read_stack(reader: Reader) -> tuple[bytes, ...]:
    return tuple([reader.string() for _ in range(reader.count())])


def _input(spent: TxInput) -> bytes:
    outpoint = bytes.fromhex(spent.parent)[::-1] + spent.index.to_bytes(4, "little")
    return outpoint + string(spent.script) + spent.sequence.to_bytes(4, "little")


def _output(made: TxOutput) -> bytes:
    return made.units.to_bytes(8, "little") + string(made.script)


def _stack(items: tuple[bytes, ...]) -> bytes:
    return _compact_size(len(items)) + b"".join(map(string, items))


def string(octets: bytes) -> bytes:
    """With its length before it, as scripts and witness items travel."""
    return _compact_size(len(octets)) + octets


def _compact_size(value: int) -> bytes:
    if value < 0xFD:
        return value.to_bytes(1, "little")
    for first, (width, _) in _COMPACT_SIZES.items():
        if value < 1 << 8 * width:
            return bytes([first]) + value.to_bytes(width, "little")
    raise ValueError("no length is that long")
