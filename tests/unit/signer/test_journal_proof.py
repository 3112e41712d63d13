"""A node shows its journal before anything is signed; an old copy of it, or of the memory, stops both."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.signer.local import LocalSigner
from chains.signer.memory.memory import Memory
from chains.signer.people.acts import ADOPT, act_digest, adopt_fields
from chains.signer.serving.answers import answer
from chains.signer.serving.wire import AskCheck, AskProve, AskSign, AskSignMany, TellProven, TellSigned, TellUnproven
from tests.unit.signer.scene import open_memory
from tests.unit.signer.test_stops import ANN, BEN, ether, public, signer_over
from wallet.ports import Approval, JournalKnows, SignerRefused


class Books:
    """What a node's journal would say."""

    def __init__(self) -> None:
        self.hashes: list[str] = ["00"]
        self.known: list[str] = []
        self.signed: list[str] = []

    def knows(self, signer: LocalSigner) -> JournalKnows:
        seen = signer.proof.seen()
        there = self.hashes[seen.seq] if seen.seq < len(self.hashes) else ""
        unknown = tuple(one for one in seen.submissions if one not in self.known)
        last = len(self.hashes) - 1
        return JournalKnows(last, self.hashes[last], there, unknown, tuple(self.signed[::-1]))

    async def pay(self, signer: LocalSigner, number: int) -> None:
        request = ether(number)
        self.known.append(request.submission)
        await signer.sign(request)
        self.signed.append(request.submission)
        self.hashes.append(f"{number + 1:02x}")

    def copy(self) -> "Books":
        other = Books()
        other.hashes, other.known, other.signed = [*self.hashes], [*self.known], [*self.signed]
        return other


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    memory = open_memory(tmp_path)
    yield memory
    memory.close()


@pytest.fixture
def signer(memory: Memory) -> LocalSigner:
    return signer_over(memory)


async def test_key_06_nothing_is_signed_or_tried_before_a_journal_was_shown(signer: LocalSigner) -> None:
    for ask in (AskSign(ether(1)), AskCheck(ether(1)), AskSignMany((ether(1),)), AskSign(ether(1), "guessed")):
        assert isinstance(await answer(signer, ask, must_prove=True), TellUnproven)
    session = signer.proof.prove(Books().knows(signer))
    assert isinstance(await answer(signer, AskSign(ether(1), session), must_prove=True), TellSigned)


async def test_key_06_a_session_ends_with_the_signers_life(signer: LocalSigner, memory: Memory) -> None:
    session = signer.proof.prove(Books().knows(signer))
    again = signer_over(memory)
    assert isinstance(await answer(again, AskSign(ether(1), session), must_prove=True), TellUnproven)


async def test_wdr_03_a_memory_that_lacks_what_the_journal_knows_to_be_signed_is_refused(
    signer: LocalSigner, tmp_path: Path
) -> None:
    books, folder = Books(), tmp_path / "old"
    await books.pay(signer, 1)
    signer.proof.prove(books.knows(signer))
    folder.mkdir()
    for name in ("memory.log", "memory.head"):
        shutil.copy(tmp_path / name, folder / name)
    await books.pay(signer, 2)
    old = open_memory(folder)
    stale = signer_over(old)
    with pytest.raises(SignerRefused, match="the memory is an older copy: the journal knows that sub_2 was signed"):
        stale.proof.prove(books.knows(stale))
    status = await stale.status()
    assert status.locked
    assert "coffer signer adopt" in (status.reason or "")
    old.close()


async def test_wdr_03_a_journal_that_lacks_what_was_signed_is_refused(signer: LocalSigner) -> None:
    books = Books()
    await books.pay(signer, 1)
    restored = books.copy()
    await books.pay(signer, 2)
    with pytest.raises(SignerRefused, match="does not know sub_2"):
        signer.proof.prove(restored.knows(signer))


async def test_wdr_03_a_journal_without_the_head_that_was_seen_is_refused(signer: LocalSigner) -> None:
    books = Books()
    await books.pay(signer, 1)
    restored = books.copy()
    books.hashes += ["aa", "bb"]
    signer.proof.prove(books.knows(signer))
    with pytest.raises(SignerRefused, match="Change 3 is not the one seen before"):
        signer.proof.prove(restored.knows(signer))
    restored.hashes += ["cc", "dd"]
    with pytest.raises(SignerRefused, match="Change 3 is not the one seen before"):
        signer.proof.prove(restored.knows(signer))


async def test_the_head_that_was_seen_is_there_after_a_restart(tmp_path: Path) -> None:
    memory, books = open_memory(tmp_path), Books()
    books.hashes += ["aa"]
    signer_over(memory).proof.prove(books.knows(signer_over(memory)))
    memory.close()
    memory = open_memory(tmp_path)
    assert (signer_over(memory).proof.seen().seq, signer_over(memory).proof.seen().head) == (1, "aa")
    memory.close()


async def test_one_that_was_refused_stops_no_other_node_whose_journal_is_whole(signer: LocalSigner) -> None:
    books = Books()
    await books.pay(signer, 1)
    session = signer.proof.prove(books.knows(signer))
    with pytest.raises(SignerRefused):
        signer.proof.prove(Books().knows(signer))
    assert isinstance(await answer(signer, AskSign(ether(2), session), must_prove=True), TellSigned)


def vouch(signer: LocalSigner, key: Ed25519PrivateKey) -> bool:
    shown = signer.proof.shown
    assert shown is not None
    fields = adopt_fields(shown.seq, shown.head, signer.proof.records)
    signature = key.sign(act_digest(ADOPT, signer.desk.controls.challenge, fields)).hex()
    return signer.proof.adopt(Approval(public(key), signature)).done


async def test_two_operators_vouch_for_both_and_it_goes_on_from_there(signer: LocalSigner) -> None:
    books = Books()
    await books.pay(signer, 1)
    restored = books.copy()
    await books.pay(signer, 2)
    with pytest.raises(SignerRefused):
        signer.proof.prove(restored.knows(signer))
    assert not vouch(signer, ANN)
    with pytest.raises(SignerRefused):
        signer.proof.prove(restored.knows(signer))
    assert vouch(signer, BEN)
    signer.proof.prove(restored.knows(signer))
    await restored.pay(signer, 3)
    signer.proof.prove(restored.knows(signer))
    with pytest.raises(SignerRefused):
        signer.proof.prove(books.knows(signer))


async def test_without_a_contradiction_there_is_nothing_to_vouch_for(signer: LocalSigner) -> None:
    with pytest.raises(SignerRefused, match="no journal contradicts"):
        signer.proof.adopt(Approval("", ""))


async def test_a_proof_is_told_as_a_session(signer: LocalSigner) -> None:
    assert isinstance(await answer(signer, AskProve(Books().knows(signer)), must_prove=True), TellProven)
