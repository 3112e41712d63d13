"""Several requests in one question: judged one by one and in order, one sync for all of them, an answer for each."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chains.signer.local import LocalSigner
from chains.signer.memory.memory import Memory
from tests.unit.signer.scene import ETHER, evm_payload, evm_request, local_signer, open_memory
from wallet.ids import SubmissionId
from wallet.ports import BATCH_MAX, Ground, Signed, SignerRefused, SignerUnavailable, SignRequest


def request(number: int, units: int = ETHER) -> SignRequest:
    payload = evm_payload(units=units, nonce=number, gas_limit=21_000)
    return evm_request(payload, submission=f"sub_{number}", references=(f"wdr_{number}",))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    memory = open_memory(tmp_path)
    yield memory
    memory.close()


@pytest.fixture
def signer(memory: Memory) -> LocalSigner:
    return local_signer(memory)


async def test_one_that_is_refused_fails_no_other_and_answers_come_in_order(signer: LocalSigner) -> None:
    wrong = evm_request(evm_payload(chain_id=1), submission="sub_2", references=("wdr_2",))
    first, refused, third = await signer.sign_many([request(1), wrong, request(3)])
    assert isinstance(refused, SignerRefused)
    assert [first, third] == [await signer.sign(request(1)), await signer.sign(request(3))]


async def test_wdr_03_each_knows_those_before_it_in_the_same_question(signer: LocalSigner) -> None:
    once = request(1)
    other = replace(once, submission=SubmissionId("sub_other"))
    first, again, conflict = await signer.sign_many([once, once, other])
    assert isinstance(first, Signed)
    assert again == first
    assert isinstance(conflict, SignerRefused)
    assert conflict.ground is Ground.CONFLICT


async def test_key_06_a_window_is_used_up_within_one_question(signer: LocalSigner) -> None:
    outcomes = await signer.sign_many([request(n) for n in range(8)])
    assert [isinstance(one, Signed) for one in outcomes] == [True] * 5 + [False] * 3


async def test_one_sync_of_the_memory_serves_all_of_them(signer: LocalSigner, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    await signer.sign_many([request(n, 1) for n in range(20)])
    many = len(synced)
    await signer.sign(request(99, 1))
    assert many == len(synced) - many > 0


async def test_all_of_them_are_there_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    requests, memory = [request(n, 1) for n in range(20)], open_memory(folder)
    outcomes = await local_signer(memory).sign_many(requests)
    memory.close()
    again = open_memory(folder)
    assert await local_signer(again).sign_many(requests) == outcomes
    again.close()


async def test_no_answer_leaves_when_the_disk_fails(signer: LocalSigner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SignerUnavailable, match="could not be written"):
        await signer.sign_many([request(1), request(2)])
    monkeypatch.undo()
    with pytest.raises(SignerUnavailable):
        await signer.sign_many([request(1)])


async def test_more_than_one_question_carries_are_refused(signer: LocalSigner) -> None:
    with pytest.raises(SignerRefused, match="at once"):
        await signer.sign_many([request(n, 1) for n in range(BATCH_MAX + 1)])
