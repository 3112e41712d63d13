"""Bytes that change between the check and the signature: each change is judged anew, and never signed as what it was."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.evm.decode import decode as decode_evm
from chains.evm.decode import encode_unsigned
from chains.evm.payout import Paid, Payout
from chains.signer.judging.effect import Effect, Outflow
from chains.signer.judging.judge import judge
from chains.signer.kinds import sign_payload, weigh
from chains.signer.local import LocalSigner
from tests.unit.signer import test_approvals as approved
from tests.unit.signer.scene import (
    DUSD,
    KEYS,
    OUTSIDE,
    POLICY,
    bitcoin_payload,
    bitcoin_request,
    evm_payload,
    evm_request,
    local_signer,
    open_memory,
    payout_file,
    payout_payload,
    payout_request,
)
from wallet.ids import SubmissionId
from wallet.ports import Approval, Purpose, SignerRefused, SignRequest

OTHER_OUTSIDE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55's as well
TOGETHER = Payout(DUSD, 60_000, (Paid(OUTSIDE, 1_000_000), Paid(OTHER_OUTSIDE, 2_000_000)))
REQUESTS = {
    "ether": evm_request(evm_payload()),
    "token": evm_request(evm_payload(OUTSIDE, 1_000_000, token=DUSD)),
    "together": evm_request(payout_payload(TOGETHER), references=("wdr_1", "wdr_2")),
    "ether together": evm_request(
        payout_payload(replace(TOGETHER, token=None, gas_each=0)), references=("wdr_1", "wdr_2")
    ),
    "bitcoin": bitcoin_request(bitcoin_payload()),
    "payout": payout_request(payout_file()),
}

BITS = tuple(1 << bit for bit in range(8))


@pytest.fixture(params=REQUESTS)
def request_(request: pytest.FixtureRequest) -> SignRequest:
    return REQUESTS[request.param]


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[LocalSigner]:
    memory = open_memory(tmp_path)
    yield local_signer(memory)
    memory.close()


def mutants(payload: bytes, masks: tuple[int, ...]) -> Iterator[bytes]:
    for position, byte in enumerate(payload):
        for mask in masks:
            yield payload[:position] + bytes([byte ^ mask]) + payload[position + 1 :]


async def test_key_04_no_changed_byte_is_signed_under_the_id_that_was_signed(
    request_: SignRequest, signer: LocalSigner
) -> None:
    """The withdrawal was signed once; whatever comes after under its ids, as this or as another submission, is refused."""
    await signer.sign(request_)
    for payload in mutants(request_.payload, (0x01,)):
        mutant = replace(request_, payload=payload)
        for again in (mutant, replace(mutant, submission=SubmissionId("sub_2"))):
            with pytest.raises(SignerRefused):
                await signer.sign(again)


@pytest.mark.parametrize("kind", ["ether", "token", "together", "ether together"])
def test_key_04_an_evm_payload_that_still_passes_is_signed_as_what_it_now_says(kind: str) -> None:
    """Every bit of every byte: refused, or another meaning that was weighed by the policy, and signed to the letter."""
    request_, policy, passed = REQUESTS[kind], POLICY["ethereum"], 0
    for payload in mutants(request_.payload, BITS):
        mutant = replace(request_, payload=payload)
        if refused(mutant):
            continue
        passed += 1
        tx = decode_evm(payload)
        assert (tx.chain_id, encode_unsigned(tx)) == (31337, payload)
        assert tx != decode_evm(request_.payload)
        signed = sign_payload(mutant, policy, KEYS)
        assert encode_unsigned(decode_evm(signed.payload)) == payload
    assert passed > 100


def refused(request: SignRequest) -> bool:
    try:
        weigh(request, POLICY[request.network], KEYS)
    except SignerRefused:
        return True
    return False


def test_key_04_a_bitcoin_payload_survives_no_change_but_of_whom_and_how_much_it_pays() -> None:
    request_ = REQUESTS["bitcoin"]
    before = weigh(request_, POLICY["bitcoin"], KEYS)
    for payload in mutants(request_.payload, BITS):
        mutant = replace(request_, payload=payload)
        if refused(mutant):
            continue
        after = weigh(mutant, POLICY["bitcoin"], KEYS)
        position = next(n for n, (old, new) in enumerate(zip(request_.payload, payload, strict=True)) if old != new)
        inside_tx = request_.payload.index(b'"tx":"') < position
        assert inside_tx or after != before


def test_key_04_a_payout_file_changes_whom_it_pays_or_is_refused() -> None:
    """Names and the moment of making are free; every figure, reference, account of ours and all the rest is bound."""
    request_ = REQUESTS["payout"]
    before = weigh(request_, POLICY["sepa"], KEYS)
    free = (b"Coffer Operator", b"Bob Example", b"FR1420041010050500013M02606", b"2026-11-22", b"12:00:00")
    for payload in mutants(request_.payload, (0x01,)):
        mutant = replace(request_, payload=payload)
        if refused(mutant):
            continue
        assert to_nobody(weigh(mutant, POLICY["sepa"], KEYS)) == to_nobody(before)
        position = next(n for n, (old, new) in enumerate(zip(request_.payload, payload, strict=True)) if old != new)
        around = [range(start, start + len(part)) for part in free for start in places(request_.payload, part)]
        assert any(position in part for part in around)


def to_nobody(effect: Effect) -> Effect:
    """The same without whom it pays."""
    return replace(effect, outflows=tuple(replace(one, target="") for one in effect.outflows))


def with_approvals(kind: str) -> SignRequest:
    """A payment above its asset's threshold, as two people have signed it."""
    request, act = approved.PAYMENTS[kind]
    return replace(request, approvals=approved.signed(act, approved.ANN, approved.BEN))


def lets_out(request: SignRequest) -> list[Outflow]:
    """What would leave that is more than anybody may let out alone; nothing where it is refused."""
    policy = approved.POLICY.get(request.network)
    if policy is None:
        return []
    try:
        effect = weigh(request, policy, KEYS)
        judge(request, effect, policy, approved.UNUSED)
    except SignerRefused:
        return []
    thresholds = {asset: limit.threshold for asset, limit in policy.limits.items()}
    return [one for one in effect.outflows if (t := thresholds[one.asset]) is not None and one.units > t.above]


@pytest.mark.parametrize("kind", approved.PAYMENTS)
def test_key_04_after_people_have_signed_no_changed_byte_lets_anything_else_out(kind: str) -> None:
    """Every byte, whole and by its lowest and highest bit: refused, or the approved payment to the unit and letter."""
    request = with_approvals(kind)
    meant = lets_out(request)
    assert len(meant) == 1, "as it was approved it is signed"
    for payload in mutants(request.payload, (0x01, 0x80, 0xFF)):
        assert lets_out(replace(request, payload=payload)) in ([], meant)


FIELDS: dict[str, tuple[Any, ...]] = {
    "submission": ("sub_2", "", "../x"),
    "network": ("bitcoin", "sepa", "ethereum", "elsewhere"),
    "purpose": tuple(Purpose),
    "references": ((), ("wdr_2",), ("wdr_1", "wdr_2"), ("wdr_1", "wdr_1")),
    "payload": (b"", b"\x02", b"{}"),
    "paths": ((), ("m/44'/60'/0'/0/0",), ("m/44'/60'/1'/0/0", "m/44'/60'/0'/0/7"), ("m/84'/1'/1'/0/0",)),
    "approvals": ((), (Approval("", "", "wdr_1"),)),
    "replacement": (1, -1, 10**6),
}


@pytest.mark.parametrize("kind", approved.PAYMENTS)
def test_key_04_no_field_of_a_request_is_free_to_change_what_leaves(kind: str) -> None:
    request = with_approvals(kind)
    meant = lets_out(request)
    assert set(FIELDS) == {one.name for one in fields(SignRequest)}, "a new field needs its mutations here"
    for name, values in FIELDS.items():
        for value in values:
            assert lets_out(replace(request, **{name: value})) in ([], meant), name


def places(payload: bytes, part: bytes) -> Iterator[int]:
    start = payload.find(part)
    while start >= 0:
        yield start
        start = payload.find(part, start + 1)


MAKERS: dict[str, Callable[[bytes], SignRequest]] = {
    "evm": evm_request,
    "bitcoin": bitcoin_request,
    "payout": payout_request,
}


@pytest.mark.parametrize("kind", MAKERS)
@given(payload=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_key_04_arbitrary_bytes_are_refused_and_never_crash_the_signer(kind: str, payload: bytes) -> None:
    assert refused(MAKERS[kind](payload))
