"""The signer reads payloads from whoever owns the database: every byte of them is hostile."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chains.bitcoin.decode import PayloadMalformed, UtxoTx, decode, decode_signed, show
from chains.bitcoin.parameters import REGTEST
from chains.bitcoin.rawtx import RawMalformed, RawTx, TxInput, TxOutput, parse_tx
from chains.signer.signing.bitcoin import sign
from tests.unit.chains.bitcoin.material import KEYS, STRANGER, built, coin, payment, private_keys
from wallet.ports import Branch

PAYLOAD = built((coin(1, 300_000), coin(2, 400_000)), payment(500_000)).payload
TX = decode(PAYLOAD)


def rewritten(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The payload with one thing changed, in canonical form otherwise."""
    read = json.loads(PAYLOAD)
    change(read)
    return json.dumps(read, sort_keys=True, separators=(",", ":")).encode()


def meaning(tx: UtxoTx) -> tuple[object, ...]:
    return tx.raw, tx.inputs, tx.change


def test_a_payload_has_one_spelling() -> None:
    assert rewritten(lambda read: None) == PAYLOAD
    for spelled in (
        json.dumps(json.loads(PAYLOAD), sort_keys=True).encode(),
        PAYLOAD + b"\n",
        b" " + PAYLOAD,
        PAYLOAD.replace(b'"v":1', b'"v":1,"v":1'),
        PAYLOAD.replace(b"bcrt1", b"\\u0062crt1", 1),
        PAYLOAD.replace(b'"units":300000', b'"units":300000.0'),
        PAYLOAD.replace(b'"units":300000', b'"units":3e5'),
    ):
        assert spelled != PAYLOAD
        with pytest.raises(PayloadMalformed):
            decode(spelled)


def set_in(place: str, value: object, index: int = 0) -> Callable[[dict[str, Any]], object]:
    return lambda read: read["inputs"][index].__setitem__(place, value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda read: read.update(v=2), "canonical"),
        (lambda read: read.update(extra=1), "agreed form"),
        (lambda read: read.pop("change"), "agreed form"),
        (lambda read: read.update(inputs=[]), "without inputs"),
        (lambda read: read["inputs"].pop(), "not those of the tx"),
        (lambda read: read["inputs"].reverse(), "not those of the tx"),
        (lambda read: read["inputs"].append(read["inputs"][0]), "not those of the tx"),
        (set_in("outpoint", coin(3, 0).outpoint), "not those of the tx"),
        (set_in("units", 0), "worth nothing"),
        (set_in("units", -1), "worth nothing"),
        (set_in("units", 84_000_000 * 10**8 + 1), "more than can exist"),
        (set_in("units", 100_000), "worth more than the inputs"),
        (set_in("units", "300000"), "agreed form"),
        (set_in("units", True), "agreed form"),
        (set_in("path", "m/44'/60'/1'/0/0"), "not one of this chain's keys"),
        (set_in("path", "m/84'/0'/0'/0/1"), "not one of this chain's keys"),
        (set_in("path", "m/84'/1'/0'/0/01"), "not one of this chain's keys"),
        (set_in("path", "m/84'/1'/0'/0/1\n"), "not one of this chain's keys"),
        (set_in("address", STRANGER.upper()), "canonical form"),
        (set_in("address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), "chain"),
        (set_in("address", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", 1), "not of the kind"),
        (lambda read: read["change"].update(address=KEYS.derive(Branch.HOUSE, 1).address), "exactly one output"),
        (lambda read: read["change"].update(path="m/0"), "not one of this chain's keys"),
        (lambda read: read.update(tx=read["tx"].upper()), "as the network would write it"),
        (lambda read: read.update(tx=read["tx"] + "00"), "behind the end"),
        (lambda read: read.update(tx=read["tx"][:-2]), "end too early"),
        (lambda read: read.update(tx="zz"), "hexadecimal"),
        (lambda read: read.update(tx=""), "end too early"),
        (lambda read: read.update(tx=read["tx"][:-8] + "01000000"), "locktime"),
        (lambda read: read.update(tx="01" + read["tx"][2:]), "version"),
        (lambda read: read.update(tx=read["tx"].replace("fdffffff", "ffffffff", 1)), "sequence"),
    ],
)
def test_key_04_a_payload_that_contradicts_itself_is_refused(
    change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    with pytest.raises(PayloadMalformed, match=reason):
        decode(rewritten(change))


def test_key_04_every_single_changed_byte_is_refused_or_changes_the_meaning() -> None:
    """Nothing in a payload is decoration: what still decodes decodes to something else."""
    for place in range(len(PAYLOAD)):
        for mask in (0x01, 0x20, 0x80):
            mutated = PAYLOAD[:place] + bytes([PAYLOAD[place] ^ mask]) + PAYLOAD[place + 1 :]
            try:
                other = decode(mutated)
            except PayloadMalformed:
                continue
            assert meaning(other) != meaning(TX)


def test_an_output_that_nobody_can_be_asked_about_is_refused() -> None:
    burnt = RawTx(2, TX.raw.inputs, (TxOutput(0, b"\x6a\x04data"), *TX.raw.outputs), 0)
    with pytest.raises(PayloadMalformed, match="no standard address"):
        decode(rewritten(lambda read: read.update(tx=burnt.stripped().hex())))


def test_an_input_named_twice_is_refused() -> None:
    twice = RawTx(2, (TX.raw.inputs[0],) * 2, TX.raw.outputs, 0)

    def change(read: dict[str, Any]) -> None:
        read["tx"], read["inputs"] = twice.stripped().hex(), [read["inputs"][0]] * 2

    with pytest.raises(PayloadMalformed, match="each once"):
        decode(rewritten(change))


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"{" * 100_000, b"0" * 500_000])
def test_bytes_that_are_no_payload_are_refused(payload: bytes) -> None:
    with pytest.raises(PayloadMalformed):
        decode(payload)


def test_a_signed_tx_is_shown_as_what_it_was_before() -> None:
    signed = sign(PAYLOAD, private_keys(tuple(spent.path for spent in TX.inputs)))
    before, after = show(PAYLOAD, REGTEST), show(signed.payload, REGTEST)
    assert before["tx"] == after["tx"] == signed.tx == TX.tx
    assert (before["signed"], after["signed"]) == (False, True)
    assert before["fee_units"] == str(TX.fee_units)
    assert [output["address"] for output in after["outputs"]] == [output.address for output in TX.outputs]  # type: ignore[attr-defined]


def test_an_unsigned_tx_does_not_pass_for_a_signed_one() -> None:
    with pytest.raises(PayloadMalformed, match="not signed"):
        decode_signed(TX.raw.stripped())
    with pytest.raises(PayloadMalformed):
        decode_signed(b"")


@pytest.mark.parametrize(
    "octets",
    [
        "02000000" + "0001" + "00" + "00" + "00000000",  # announces witnesses, has none
        "02000000" + "fd0100",  # a count of 1 in three bytes
        "02000000" + "ffffffffffffffffff",  # a count that no bytes could follow
        "02000000" + "00" + "01" + "ffffffffffffffff" + "00" + "00000000",  # an output beyond all bitcoin
    ],
)
def test_dpb_06_bytes_that_the_network_would_refuse_are_no_tx(octets: str) -> None:
    with pytest.raises(RawMalformed):
        parse_tx(bytes.fromhex(octets))


def test_what_is_written_is_read_back_the_same_with_long_scripts_and_many_items() -> None:
    inputs = tuple(TxInput(f"{number:064x}", number, 5, b"x" * number) for number in range(300))
    outputs = (TxOutput(1, b"y" * 70_000), TxOutput(0, b""))
    witnesses = tuple((b"", b"z" * number) for number in range(300))
    raw = RawTx(1, inputs, outputs, 500_000, witnesses)
    assert parse_tx(raw.serialised()) == raw
    assert parse_tx(raw.stripped()) == RawTx(1, inputs, outputs, 500_000)
    assert parse_tx(raw.stripped()).tx == raw.tx
