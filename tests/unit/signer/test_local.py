import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from eth_account import Account

from chains.bitcoin.decode import decode_signed
from chains.evm.decode import decode, encode_unsigned
from chains.sepa.decode import signing_bytes, split_signed
from chains.signer.local import LockedSigner, digest
from chains.signer.memory.memory import Memory
from tests.unit.signer.scene import (
    BITCOIN_DEPOSIT,
    DEPOSIT,
    DUSD,
    ETHER,
    HOT,
    IBAN_OUTSIDE,
    KEYS,
    NOW,
    OUTSIDE,
    POLICY,
    bitcoin_payload,
    bitcoin_request,
    evm_address,
    evm_payload,
    evm_request,
    local_signer,
    open_memory,
    payout_file,
    payout_request,
    utxo,
)
from wallet.ids import NetworkId, SubmissionId
from wallet.ports import Purpose, SignerRefused, SignerUnavailable, SignRequest

REQUESTS = [evm_request(evm_payload()), bitcoin_request(bitcoin_payload()), payout_request(payout_file())]
NAMES = [request.network for request in REQUESTS]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    opened = open_memory(tmp_path)
    yield opened
    opened.close()


async def test_an_evm_signature_is_over_the_very_payload_by_the_hot_key(memory: Memory) -> None:
    request = evm_request(evm_payload())
    signed = await local_signer(memory).sign(request)
    assert encode_unsigned(decode(signed.payload)) == request.payload
    assert Account.recover_transaction(signed.payload) == evm_address(HOT)
    assert len(signed.tx) == 66


async def test_a_bitcoin_signature_keeps_the_txid_of_the_unsigned_tx(memory: Memory) -> None:
    signed = await local_signer(memory).sign(bitcoin_request(bitcoin_payload()))
    assert decode_signed(signed.payload).tx == signed.tx


async def test_a_payout_file_carries_its_signature_before_it(memory: Memory) -> None:
    signer, request = local_signer(memory), payout_request(payout_file())
    signed = await signer.sign(request)
    signature, file = split_signed(signed.payload)
    assert file == request.payload
    public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex((await signer.public_keys())["sepa"]))
    public_key.verify(signature, signing_bytes(file))


@pytest.mark.parametrize("request_", REQUESTS, ids=NAMES)
async def test_idm_01_the_same_request_returns_the_same_bytes_and_counts_once(
    request_: SignRequest, tmp_path: Path
) -> None:
    memory = open_memory(tmp_path)
    signer = local_signer(memory)
    answers = [await signer.sign(request_) for _ in range(20)]
    await signer.check(request_)
    size = (tmp_path / "memory.log").stat().st_size
    memory.close()
    again = open_memory(tmp_path)
    answers.append(await local_signer(again).sign(request_))
    spent = [again.spent(request_.network, asset, since=0) for asset in ("ETH", "BTC", "EUR")]
    again.close()
    assert len(set(answers)) == 1
    assert (tmp_path / "memory.log").stat().st_size == size
    assert sum(spent) == {"ethereum": ETHER, "bitcoin": 10_000_000, "sepa": 12_345}[request_.network]


async def test_checking_changes_nothing(memory: Memory, tmp_path: Path) -> None:
    before = (tmp_path / "memory.log").read_bytes()
    for _ in range(10):
        await local_signer(memory).check(evm_request(evm_payload(units=2 * ETHER)))
    assert (tmp_path / "memory.log").read_bytes() == before


def test_every_replacement_is_named_apart() -> None:
    request = evm_request(evm_payload())
    names = {digest(replace(request, replacement=number)) for number in range(20)}
    assert len(names) == 20
    assert digest(request) in names


OTHERS: list[Callable[[SignRequest], SignRequest]] = [
    lambda request: replace(request, payload=evm_payload(units=1)),
    lambda request: replace(request, payload=evm_payload(nonce=1)),
    lambda request: replace(request, references=("wdr_2",)),
    lambda request: replace(request, paths=(DEPOSIT,)),
    lambda request: replace(request, purpose=Purpose.SWEEP),
    lambda request: replace(request, network=NetworkId("bitcoin")),
]


@pytest.mark.parametrize("other", OTHERS)
async def test_idm_02_the_same_submission_with_other_content_is_refused(
    memory: Memory, other: Callable[[SignRequest], SignRequest]
) -> None:
    signer, request = local_signer(memory), evm_request(evm_payload())
    await signer.sign(request)
    for ask in (signer.check, signer.sign):
        with pytest.raises(SignerRefused, match="signed with other content"):
            await ask(other(request))


async def test_wdr_03_a_withdrawal_is_signed_once_for_ever_whatever_the_submission_and_network(memory: Memory) -> None:
    signer = local_signer(memory)
    await signer.sign(evm_request(evm_payload()))
    again = [
        evm_request(evm_payload(), submission="sub_2"),
        evm_request(evm_payload(nonce=1), submission="sub_2"),
        evm_request(evm_payload(OUTSIDE, 5, token=DUSD, nonce=1), submission="sub_2"),
        bitcoin_request(bitcoin_payload(), submission="sub_2"),
        payout_request(payout_file(submission="sub_2"), submission="sub_2"),
    ]
    for request in again:
        with pytest.raises(SignerRefused, match="wdr_1 was signed in submission sub_1"):
            await signer.sign(request)


async def test_a_nonce_is_used_up_by_one_submission_of_any_purpose(memory: Memory) -> None:
    signer = local_signer(memory)
    await signer.sign(evm_request(evm_payload(nonce=4)))
    other = evm_request(evm_payload(units=5, nonce=4), submission="sub_2", references=("wdr_2",))
    funding = evm_payload(evm_address(DEPOSIT), 5, nonce=4)
    gas = evm_request(funding, submission="sub_3", purpose=Purpose.GAS_FUNDING, references=(), paths=(HOT, DEPOSIT))
    for request in (other, gas):
        with pytest.raises(SignerRefused, match="used up by submission sub_1"):
            await signer.sign(request)


async def test_an_input_is_signed_for_once_whatever_it_is_said_to_be_worth(memory: Memory) -> None:
    """Two signatures over one input with two claims of its worth are how value is burnt as fees (BIP-143's weak side)."""
    signer = local_signer(memory)
    await signer.sign(bitcoin_request(bitcoin_payload()))
    shared = (utxo(units=31_000_000), utxo(index=1))
    payload = bitcoin_payload(shared, change_units=50_995_000)
    request = bitcoin_request(payload, submission="sub_2", references=("wdr_2",), paths=(BITCOIN_DEPOSIT,) * 2)
    with pytest.raises(SignerRefused, match="used up by submission sub_1"):
        await signer.sign(request)


async def test_key_06_the_windows_sum_bounds_what_many_submissions_move(memory: Memory) -> None:
    signed = 0
    for number in range(10):
        request = evm_request(evm_payload(nonce=number), submission=f"sub_{number}", references=(f"wdr_{number}",))
        try:
            await local_signer(memory, now=NOW + number).sign(request)
            signed += 1
        except SignerRefused as refusal:
            assert "window's limit" in str(refusal)  # noqa: PT017
    assert signed == 5


async def test_a_window_moves_on_with_time_and_not_with_a_clock_set_back(memory: Memory) -> None:
    def request(number: int) -> SignRequest:
        return evm_request(
            evm_payload(units=2 * ETHER, nonce=number), submission=f"sub_{number}", references=(f"wdr_{number}",)
        )

    await local_signer(memory, now=NOW).sign(request(0))
    await local_signer(memory, now=NOW + 10).sign(request(1))
    for now in (NOW + 20, NOW - 10**6, NOW + 3599):
        with pytest.raises(SignerRefused, match="window's limit"):
            await local_signer(memory, now=now).sign(request(2))
    await local_signer(memory, now=NOW + 3600).sign(request(2))


async def test_limits_survive_a_restart(tmp_path: Path) -> None:
    for number in range(5):
        memory = open_memory(tmp_path)
        await local_signer(memory).sign(
            evm_request(evm_payload(nonce=number), submission=f"sub_{number}", references=(f"wdr_{number}",))
        )
        memory.close()
    memory = open_memory(tmp_path)
    with pytest.raises(SignerRefused, match="window's limit"):
        await local_signer(memory).sign(evm_request(evm_payload(nonce=9), submission="sub_9", references=("wdr_9",)))
    memory.close()


async def test_fees_of_sweeps_count_against_the_fee_window(memory: Memory) -> None:
    """Whoever may ask for sweeps must not be able to burn the treasury as network fees."""
    signer, signed = local_signer(memory), 0
    for number in range(10):
        payload = evm_payload(evm_address(HOT), 5, nonce=number, gas_limit=100_000, max_fee=10**11)
        request = evm_request(
            payload, submission=f"sub_{number}", purpose=Purpose.SWEEP, references=(), paths=(DEPOSIT,)
        )
        try:
            await signer.sign(request)
            signed += 1
        except SignerRefused as refusal:
            assert "fees would pass" in str(refusal)  # noqa: PT017
    assert signed == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"submission": SubmissionId("")},
        {"submission": SubmissionId("s" * 65)},
        {"submission": SubmissionId("sub-1")},
        {"submission": SubmissionId("sub_é")},
        {"references": ("wdr-1",)},
        {"references": ("wdr_1", "wdr_1")},
        {"references": tuple(f"wdr_{n}" for n in range(1001))},
        {"references": ("wdr_1\n",)},
        {"network": NetworkId("solana")},
        {"network": NetworkId("")},
    ],
)
async def test_ids_out_of_form_and_unknown_networks_are_refused(memory: Memory, changes: dict[str, Any]) -> None:
    with pytest.raises(SignerRefused):
        await local_signer(memory).sign(replace(evm_request(evm_payload()), **changes))


async def test_pii_01_the_memory_never_holds_what_a_payout_file_says_of_people(memory: Memory, tmp_path: Path) -> None:
    await local_signer(memory).sign(payout_request(payout_file(name="Carol Canary")))
    content = (tmp_path / "memory.log").read_bytes()
    assert b"wdr_1" in content
    assert not any(secret in content for secret in (b"Canary", b"Q2FuYXJ5", IBAN_OUTSIDE.encode()))


async def test_crs_05_with_a_broken_disk_no_signature_leaves_and_the_signer_says_why(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, request = local_signer(memory), evm_request(evm_payload())

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(SignerUnavailable, match="Input/output error"):
            await signer.sign(request)
    status = await signer.status()
    assert status.locked
    assert "Input/output error" in (status.reason or "")
    for ask in (signer.check, signer.sign):
        with pytest.raises(SignerUnavailable):
            await ask(request)


async def test_parallel_requests_for_one_window_never_pass_it_together(memory: Memory) -> None:
    signer = local_signer(memory)
    requests = [
        evm_request(evm_payload(nonce=number), submission=f"sub_{number}", references=(f"wdr_{number}",))
        for number in range(20)
    ]
    outcomes = await asyncio.gather(*map(signer.sign, requests), return_exceptions=True)
    assert sum(not isinstance(outcome, SignerRefused) for outcome in outcomes) == 5


async def test_a_locked_signer_tells_its_public_keys_and_signs_nothing(memory: Memory) -> None:
    locked = LockedSigner(KEYS, POLICY, "the memory is missing")
    status = await locked.status()
    assert (status.locked, status.reason) == (True, "the memory is missing")
    assert await locked.public_keys() == await local_signer(memory).public_keys()
    for ask in (locked.check, locked.sign):
        with pytest.raises(SignerUnavailable, match="the memory is missing"):
            await ask(REQUESTS[0])


async def test_public_keys_have_the_promised_form() -> None:
    keys = await LockedSigner(KEYS, POLICY, "").public_keys()
    assert [key[:4] for key in keys["ethereum"].split(" ")] == ["xpub", "xpub"]
    assert [key[:4] for key in keys["bitcoin"].split(" ")] == ["tpub", "tpub", "tpub"]
    assert len(bytes.fromhex(keys["sepa"])) == 32


def test_aud_04_equal_digests_mean_equal_requests() -> None:
    request = SignRequest(
        SubmissionId("s"), NetworkId("n"), Purpose.SWEEP, references=("a", "b"), payload=b"p", paths=("c",)
    )
    others = [
        replace(request, references=("ab",)),
        replace(request, references=("a",), paths=("b", "c")),
        replace(request, references=(), paths=("a", "b", "c")),
        replace(request, payload=b"pa"),
        replace(request, submission=SubmissionId("sn"), network=NetworkId("")),
    ]
    assert len({digest(one) for one in [request, *others]}) == 6
