"""A full block of the Bitcoin family as miners fill it: so many txs of the kinds and sizes that are usual, some paying us."""

import random
from dataclasses import dataclass

from chains.bitcoin.address import own_address_of
from chains.bitcoin.headers import target_of
from chains.bitcoin.parameters import REGTEST
from chains.bitcoin.rawtx import RawTx, TxInput, TxOutput, hash256

OURS_EACH = 100  # one of so many outputs of our kinds is ours
_KEY_BYTES = 33
_INPUTS, _OUTPUTS = (1, 1, 1, 1, 2, 2, 3, 5), (1, 2, 2, 2, 2, 3, 4, 6)  # drawn from these: means 2.0 and 2.75
_SPENT = (
    ("p2wpkh",) * 9 + ("p2sh",) * 3 + ("p2pkh",) * 2
)  # those that bitcoinlib reads: of a taproot input it skips the rest
_KINDS = ("p2wpkh",) * 9 + ("p2tr",) * 5 + ("p2sh",) * 3 + ("p2pkh",) * 2 + ("data",)


@dataclass(frozen=True, slots=True)
class MadeBlock:
    """`paid` maps each outpoint of ours to its address and units."""

    octets: bytes
    id: str
    txs: tuple[str, ...]
    paid: dict[str, tuple[str, int]]


def make_block(count: int, seed: int = 1) -> MadeBlock:
    """The same for the same count and seed."""
    chance = random.Random(seed)
    txs = [_reward(chance), *[_tx(chance) for _ in range(count - 1)]]
    level = [bytes.fromhex(tx.tx)[::-1] for tx in txs]
    ids = tuple(digest[::-1].hex() for digest in level)
    while len(level) > 1:
        level += [level[-1]] if len(level) % 2 else []
        level = [hash256(level[place] + level[place + 1]) for place in range(0, len(level), 2)]
    header = _worked((4).to_bytes(4, "little") + bytes(32) + level[0] + bytes(4))
    octets = header + b"\xfd" + count.to_bytes(2, "little") + b"".join(tx.serialised() for tx in txs)
    return MadeBlock(octets, hash256(header)[::-1].hex(), ids, _paid(txs))


def _worked(start: bytes) -> bytes:
    bits = REGTEST.easiest_bits.to_bytes(4, "little")
    for nonce in range(2**16):
        header = start + bits + nonce.to_bytes(4, "little")
        if int.from_bytes(hash256(header), "little") <= target_of(REGTEST.easiest_bits):
            return header
    raise AssertionError("half of all headers are good enough")


def _paid(txs: list[RawTx]) -> dict[str, tuple[str, int]]:
    paid: dict[str, tuple[str, int]] = {}
    number = 0
    for tx in txs:
        for index, output in enumerate(tx.outputs):
            address = own_address_of(output.script, REGTEST)
            if address is None:
                continue
            number += 1
            if number % OURS_EACH == 0:
                paid[f"{tx.tx}:{index}"] = (address, output.units)
    return paid


def _reward(chance: random.Random) -> RawTx:
    spent = TxInput("00" * 32, 0xFFFFFFFF, 0xFFFFFFFF, b"\x51" + chance.randbytes(20))  # made for height 1
    return RawTx(2, (spent,), (_output(chance, "p2wpkh"),), 0, ((bytes(32),),))


def _tx(chance: random.Random) -> RawTx:
    spent = [chance.choice(_SPENT) for _ in range(chance.choice(_INPUTS))]
    inputs = tuple(
        TxInput(chance.randbytes(32).hex(), chance.randrange(4), 0xFFFFFFFD, _script_of(chance, kind)) for kind in spent
    )
    outputs = tuple(_output(chance, chance.choice(_KINDS)) for _ in range(chance.choice(_OUTPUTS)))
    witnesses = tuple(_witness(chance, kind) for kind in spent)
    return RawTx(2, inputs, outputs, 0, witnesses if any(witnesses) else ())


def _script_of(chance: random.Random, kind: str) -> bytes:
    if kind == "p2pkh":
        return b"\x47" + _der(chance) + b"\x21\x02" + chance.randbytes(_KEY_BYTES - 1)
    return b"\x16\x00\x14" + chance.randbytes(20) if kind == "p2sh" else b""


def _witness(chance: random.Random, kind: str) -> tuple[bytes, ...]:
    if kind == "p2pkh":
        return ()
    return (_der(chance), b"\x02" + chance.randbytes(_KEY_BYTES - 1))


def _der(chance: random.Random) -> bytes:
    """A signature's outward form, with the byte that says what it signs."""
    part = b"\x02\x20\x01" + chance.randbytes(31)
    return b"\x30\x44" + part + part + b"\x01"


def _output(chance: random.Random, kind: str) -> TxOutput:
    scripts = {
        "p2wpkh": b"\x00\x14" + chance.randbytes(20),
        "p2tr": b"\x51\x20" + chance.randbytes(32),
        "p2sh": b"\xa9\x14" + chance.randbytes(20) + b"\x87",
        "p2pkh": b"\x76\xa9\x14" + chance.randbytes(20) + b"\x88\xac",
        "data": b"\x6a\x20" + chance.randbytes(32),
    }
    return TxOutput(0 if kind == "data" else chance.randrange(1_000, 10**9), scripts[kind])
