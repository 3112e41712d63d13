"""Stop, and nothing is signed until enrolled operators resume: per asset, network or all, over restarts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.signer.local import LocalSigner
from chains.signer.memory.memory import Memory
from chains.signer.people.acts import RESUME, act_digest, resume_fields
from chains.signer.people.operators import Gathered, enrol
from tests.unit.signer.scene import (
    DEPOSIT,
    DUSD,
    HOT,
    KEYS,
    NOW,
    OUTSIDE,
    POLICY,
    bitcoin_payload,
    bitcoin_request,
    evm_address,
    evm_payload,
    evm_request,
    open_memory,
)
from wallet.ports import Approval, Ground, Purpose, Signed, SignerRefused, SignRequest

ANN, BEN, EVE = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


OPERATORS = enrol(1, {"ann": public(ANN), "ben": public(BEN)}, 2)


def signer_over(memory: Memory) -> LocalSigner:
    return LocalSigner(KEYS, POLICY, memory, lambda: NOW, operators=OPERATORS)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    memory = open_memory(tmp_path)
    yield memory
    memory.close()


@pytest.fixture
def signer(memory: Memory) -> LocalSigner:
    return signer_over(memory)


def ether(number: int) -> SignRequest:
    payload = evm_payload(units=1, nonce=number)
    return evm_request(payload, submission=f"sub_{number}", references=(f"wdr_{number}",))


def dollars(number: int) -> SignRequest:
    payload = evm_payload(OUTSIDE, 1, token=DUSD, nonce=number)
    return evm_request(payload, submission=f"sub_{number}", references=(f"wdr_{number}",))


def coins() -> SignRequest:
    return bitcoin_request(bitcoin_payload(), submission="sub_btc", references=("wdr_btc",))


async def stopped(signer: LocalSigner, request: SignRequest) -> bool:
    (outcome,) = await signer.sign_many([request])
    if isinstance(outcome, Signed):
        return False
    assert outcome.ground is Ground.STOPPED
    for ask in (signer.sign, signer.check):
        with pytest.raises(SignerRefused, match="stopped by"):
            await ask(request)
    return True


def agree(signer: LocalSigner, key: Ed25519PrivateKey, scope: str = "all") -> Gathered:
    return signer.desk.resume(scope, "looked into", approval(signer, key, scope))


def approval(signer: LocalSigner, key: Ed25519PrivateKey, scope: str = "all") -> Approval:
    stop = signer.desk.controls.stops[scope]
    digest = act_digest(RESUME, signer.desk.controls.challenge, resume_fields(scope, stop.at, stop.why))
    return Approval(key.public_key().public_bytes_raw().hex(), key.sign(digest).hex())


@pytest.mark.parametrize(
    ("scope", "held"),
    [("all", (True, True, True)), ("network:ethereum", (True, True, False)), ("asset:DUSD", (False, True, False))],
)
async def test_wdr_16_nothing_within_the_scope_is_signed_and_all_else_is(
    signer: LocalSigner, scope: str, held: tuple[bool, bool, bool]
) -> None:
    await signer.stop(scope, "odd withdrawals")
    assert [await stopped(signer, one) for one in (ether(1), dollars(2), coins())] == list(held)


async def test_wdr_16_what_was_signed_before_is_not_given_out_again_while_it_is_stopped(signer: LocalSigner) -> None:
    signed = await signer.sign(dollars(1))
    await signer.stop("asset:DUSD", "odd")
    assert await stopped(signer, dollars(1))
    agree(signer, ANN, "asset:DUSD")
    agree(signer, BEN, "asset:DUSD")
    assert await signer.sign(dollars(1)) == signed


async def test_wdr_16_a_stopped_asset_is_not_swept_either(signer: LocalSigner) -> None:
    await signer.stop("asset:DUSD", "odd")
    sweep = evm_payload(evm_address(HOT), 5, token=DUSD)
    assert await stopped(signer, evm_request(sweep, purpose=Purpose.SWEEP, references=(), paths=(DEPOSIT,)))


async def test_wdr_16_a_stop_is_there_after_a_restart_with_its_reason(tmp_path: Path) -> None:
    memory = open_memory(tmp_path)
    await signer_over(memory).stop("network:ethereum", "the key may\nbe stolen")
    memory.close()
    memory = open_memory(tmp_path)
    signer = signer_over(memory)
    assert [(one.scope, one.why, one.by) for one in (await signer.status()).stops] == [
        ("network:ethereum", "the key may be stolen", "operators")
    ]
    assert await stopped(signer, ether(1))
    memory.close()


async def test_within_one_question_nothing_is_signed_after_the_breaker_or_a_stop(signer: LocalSigner) -> None:
    await signer.stop("asset:ETH", "odd")
    first, second = await signer.sign_many([ether(1), dollars(2)])
    assert isinstance(first, SignerRefused)
    assert isinstance(second, Signed)


async def test_wdr_16_a_second_stop_keeps_the_first_reason(signer: LocalSigner) -> None:
    await signer.stop("all", "first")
    assert [one.why for one in (await signer.stop("all", "second")).stops] == ["first"]


@pytest.mark.parametrize(
    "scope", ["everything", "asset:NONE", "network:nowhere", "asset:ETH for gas", "asset", "all:x"]
)
async def test_a_stop_of_what_there_is_not_is_refused_and_never_believed_to_have_stopped(
    signer: LocalSigner, scope: str
) -> None:
    with pytest.raises(SignerRefused, match="knows no such"):
        await signer.stop(scope, "odd")


async def test_resuming_takes_two_people_and_two_keys_of_one_are_one(signer: LocalSigner) -> None:
    await signer.stop("all", "odd")
    assert agree(signer, ANN) == Gathered(("ann",), 2, done=False)
    assert agree(signer, ANN) == Gathered(("ann",), 2, done=False)
    assert await stopped(signer, ether(1))
    assert agree(signer, BEN) == Gathered(("ann", "ben"), 2, done=True)
    await signer.sign(ether(1))


async def test_nobody_who_is_not_enrolled_counts_nor_a_signature_over_another_act(signer: LocalSigner) -> None:
    await signer.stop("all", "odd")
    await signer.stop("asset:ETH", "odd")
    for wrong in (approval(signer, EVE), approval(signer, BEN, "asset:ETH"), Approval("zz", "")):
        with pytest.raises(SignerRefused, match="no enrolled operator's signature"):
            signer.desk.resume("all", "why", wrong)
    assert agree(signer, ANN).signed == ("ann",)


async def test_old_signatures_do_not_lift_a_later_stop_even_one_of_the_same_words(signer: LocalSigner) -> None:
    await signer.stop("all", "odd")
    old = [approval(signer, key) for key in (ANN, BEN)]
    for one in old:
        signer.desk.resume("all", "why", one)
    await signer.stop("all", "odd")
    for one in old:
        with pytest.raises(SignerRefused, match="as it stands now"):
            signer.desk.resume("all", "why", one)
    assert await stopped(signer, ether(1))


async def test_what_is_not_stopped_is_not_resumed(signer: LocalSigner) -> None:
    with pytest.raises(SignerRefused, match="is not stopped"):
        signer.desk.resume("all", "why", Approval("", ""))
