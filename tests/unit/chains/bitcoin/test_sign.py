"""Signatures, with bitcoinlib's own signer as the second opinion."""

from dataclasses import replace

import pytest
from coincurve import PublicKey, PublicKeyXOnly

from chains.bitcoin.address import script_of
from chains.bitcoin.decode import PayloadMalformed, decode, decode_signed
from chains.bitcoin.parameters import REGTEST
from chains.signer.signing.bitcoin import KeyMismatch, assemble, digests, sign
from tests.unit.chains.bitcoin.material import built, coin, payment, private_keys
from wallet.ports import Branch

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
PAYLOAD = built(tuple(coin(number, 100_000) for number in range(5)), payment(450_000)).payload
TX = decode(PAYLOAD)
PRIVATE_KEYS = private_keys(tuple(spent.path for spent in TX.inputs))


def test_bitcoinlib_alone_would_have_made_the_very_same_bytes() -> None:
    second = assemble(TX)
    for place, secret in enumerate(PRIVATE_KEYS):
        second.sign(secret, index_n=place)
    assert second.raw_hex() == sign(PAYLOAD, PRIVATE_KEYS).payload.hex()


def test_key_02_the_same_payload_gives_the_same_low_signatures_with_nonces_of_their_own() -> None:
    signed = sign(PAYLOAD, PRIVATE_KEYS)
    assert signed == sign(PAYLOAD, PRIVATE_KEYS)
    signatures = [witness[0] for witness in decode_signed(signed.payload).witnesses]
    values = [_values(signature[:-1]) for signature in signatures]
    assert all(s <= CURVE_ORDER // 2 for _, s in values)
    assert len({r for r, _ in values}) == len(values)


def _values(der: bytes) -> tuple[int, int]:
    r_end = 4 + der[3]
    return int.from_bytes(der[4:r_end], "big"), int.from_bytes(der[r_end + 2 :], "big")


def test_each_signature_verifies_for_its_own_input_only() -> None:
    witnesses = decode_signed(sign(PAYLOAD, PRIVATE_KEYS).payload).witnesses
    for place, digest in enumerate(digests(TX)):
        for other, (signature, public_key) in enumerate(witnesses):
            assert PublicKey(public_key).verify(signature[:-1], digest, hasher=None) is (place == other)


def test_the_tx_is_never_larger_than_what_its_fee_was_reckoned_for() -> None:
    signed = decode_signed(sign(PAYLOAD, PRIVATE_KEYS).payload)
    assert TX.vsize - 2 <= signed.vsize <= TX.vsize


@pytest.mark.parametrize("keys", [[], PRIVATE_KEYS[:-1], PRIVATE_KEYS[::-1], [*PRIVATE_KEYS, PRIVATE_KEYS[0]]])
def test_keys_that_are_not_those_of_the_inputs_sign_nothing(keys: list[bytes]) -> None:
    with pytest.raises(KeyMismatch) as refusal:
        sign(PAYLOAD, keys)
    assert not any(secret.hex() in str(refusal.value) for secret in PRIVATE_KEYS)


def test_bytes_that_are_no_payload_are_not_signed() -> None:
    with pytest.raises(PayloadMalformed):
        sign(TX.raw.stripped(), PRIVATE_KEYS)


MIXED = built(
    tuple(coin(number, 100_000, list(Branch)[number % 2 * 2]) for number in range(6)), payment(550_000)
).payload


def test_inputs_of_both_kinds_are_signed_in_one_tx_each_in_its_own_way() -> None:
    decoded = decode(MIXED)
    keys = private_keys(tuple(spent.path for spent in decoded.inputs))
    signed = decode_signed(sign(MIXED, keys).payload)
    assert sign(MIXED, keys) == sign(MIXED, keys)
    assert sorted(len(witness) for witness in signed.witnesses) == [1, 1, 1, 2, 2, 2]
    for spent, witness, digest in zip(decoded.inputs, signed.witnesses, digests(decoded), strict=True):
        if spent.path.startswith("m/86'"):
            (signature,) = witness
            assert PublicKeyXOnly(script_of(spent.address, REGTEST)[2:]).verify(signature, digest)
        else:
            signature, public_key = witness
            assert PublicKey(public_key).verify(signature[:-1], digest, hasher=None)
    assert decoded.vsize - 2 <= signed.vsize <= decoded.vsize


def test_a_taproot_signature_commits_to_what_every_input_is_worth() -> None:
    decoded = decode(MIXED)
    place = next(place for place, spent in enumerate(decoded.inputs) if spent.path.startswith("m/86'"))
    other = (place + 1) % len(decoded.inputs)
    inputs = list(decoded.inputs)
    inputs[other] = replace(inputs[other], units=inputs[other].units + 1)
    assert digests(replace(decoded, inputs=tuple(inputs)))[place] != digests(decoded)[place]
