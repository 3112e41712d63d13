"""Deciding a batch: places in the chain, what is remembered, who is told what, and one signature over all."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.wallet.told import body_of
from wallet.errors import InsufficientFunds, KeyReused, Refusal, RememberedRefusal, Stale
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, Committed, EventKind, Insert, Request
from wallet.journal.batch import Batch, Verdict, Waiting, decide, waiting_for
from wallet.journal.body import decode_body, time_text
from wallet.journal.chain import link
from wallet.journal.change import Requirement
from wallet.journal.head import Head
from wallet.journal.judge import Known, OpenHold, Totals
from wallet.journal.receipts import JournalKey, is_signed, verify_receipt
from wallet.journal.remembered import Remembered, RequestKey, remembered_refusal, replay, request_key
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Flags
from wallet.money import Amount, Asset

EUR = Asset("EUR", 2)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)
ANN, BEN = CustomerId("cus_ann"), CustomerId("cus_ben")
BEFORE = Head(6, hashlib.sha256(b"before").digest(), NOON, 4)
KEY = JournalKey.from_seed(bytes(32))


def balance(owner: CustomerId) -> str:
    return accounts.customer_balance(owner, EUR).id


def books(ann: int = 100) -> Known:
    return Known(totals={balance(ANN): Totals(credits_posted=ann, flags=int(Flags.NO_OVERDRAFT))})


def held_books() -> Known:
    """Ann has 100, of which a platform has promised 30."""
    ann = Totals(debits_pending=30, credits_posted=100, flags=int(Flags.NO_OVERDRAFT))
    clearing = accounts.clearing(EUR).id
    totals = {balance(ANN): ann, clearing: Totals(credits_pending=30)}
    return Known(totals=totals, holds={"hld_one": OpenHold(balance(ANN), clearing, "EUR", 30, 30)})


def request(key: str, meaning: str = "") -> Request:
    return Request("cus_ann", "payment.send", key, hashlib.sha256(meaning.encode()).digest())


def payment(units: int, key: str | None = None, meaning: str = "") -> Change:
    told = None if key is None else request(key, meaning)
    entry = templates.payment_sent(ANN, BEN, Amount(units, EUR))
    return Change(
        "cus_ann", EventKind.PAYMENT_SENT, {"units": str(units)}, entry=entry, request=told, result={"n": units}
    )


def waiting(change: Change) -> Waiting:
    """As the Journal queues it; nobody waits for the answer here."""
    loop = asyncio.new_event_loop()
    try:
        answer: asyncio.Future[Committed] = loop.create_future()
        queued = waiting_for(change, answer)
    finally:
        loop.close()
    assert (queued.change, queued.answer) == (change, answer)
    return queued


def decided(
    *changes: Change,
    known: Known | None = None,
    remembered: dict[RequestKey, Remembered] | None = None,
    key: JournalKey | None = KEY,
) -> Batch:
    known = books() if known is None else known
    return decide([waiting(change) for change in changes], BEFORE, LATER, known, remembered or {}, key)


def verdicts(batch: Batch) -> list[Verdict]:
    return [verdict for _, verdict in batch.verdicts]


def test_accepted_changes_go_on_from_the_head_one_after_the_other() -> None:
    batch = decided(payment(1), payment(2), payment(3))
    assert [(sealed.seq, sealed.change.result["n"]) for sealed in batch.sealed] == [(7, 1), (8, 2), (9, 3)]
    previous = BEFORE.hash
    for sealed, (one, verdict) in zip(batch.sealed, batch.verdicts, strict=True):
        assert sealed.body == one.body.whole == body_of(sealed.change)
        previous = link(previous, sealed.seq, LATER, sealed.body)
        assert sealed.hash == previous
        assert verdict == Committed(sealed.seq, LATER, sealed.change.result)
    assert batch.head == Head(9, previous, LATER, 4)
    assert batch.before == BEFORE


def test_a_batch_keeps_what_was_before_it() -> None:
    known = books()
    before = dict(known.totals)
    batch = decided(payment(1), known=known)
    assert batch.known is known
    assert batch.totals_before == before
    assert batch.known.totals[balance(ANN)].posted == 99


def test_a_batch_keeps_the_holds_that_were_before_it() -> None:
    known, one = held_books(), HoldId("hld_one")
    before = dict(known.holds)
    entry = templates.hold_released(ANN, Amount(10, EUR), one)
    batch = decided(Change("cus_shop", EventKind.HOLD_VOIDED, {}, entry=entry), known=known)
    assert batch.holds_before == before
    assert batch.known.holds[one].remaining == 20


def test_a_refusal_takes_no_place_and_holds_no_frame() -> None:
    batch = decided(payment(60), payment(50), payment(40))
    first, refused, last = verdicts(batch)
    assert isinstance(first, Committed)
    assert isinstance(refused, InsufficientFunds)
    assert refused.__traceback__ is None
    assert isinstance(last, Committed)
    assert [sealed.seq for sealed in batch.sealed] == [7, 8]
    assert last.seq == 8


def test_a_batch_of_refusals_leaves_the_head_where_it_was_behind_another_fence() -> None:
    batch = decided(payment(101, "a"))
    assert batch.head == replace(BEFORE, fence=BEFORE.fence + 1)
    assert batch.sealing.signed is None
    assert batch.sealing.receipt(0) is None
    assert [type(end) for _, end in batch.answers] == [RememberedRefusal]


def test_what_has_no_key_is_not_remembered() -> None:
    batch = decided(payment(1), payment(101))
    assert (batch.answers, batch.answered, batch.remembered) == ([], {}, {})


def test_a_key_that_comes_twice_in_one_batch_is_done_once() -> None:
    batch = decided(payment(60, "a"), payment(60, "a"), payment(60, "a", "something else"))
    made, again, other = verdicts(batch)
    assert isinstance(made, Committed)
    assert not made.replayed
    assert isinstance(again, Committed)
    assert again.replayed
    assert (again.seq, again.result) == (made.seq, made.result)
    assert isinstance(other, KeyReused)
    assert len(batch.sealed) == len(batch.answers) == 1
    assert batch.answered == {request_key(request("a")): Remembered(request("a").digest, made)}


def test_a_refusal_under_a_key_is_repeated_word_for_word_when_there_is_money() -> None:
    batch = decided(payment(101, "a"), payment(50, "b"), payment(101, "a"))
    first, _, again = verdicts(batch)
    assert isinstance(first, InsufficientFunds)
    assert isinstance(again, RememberedRefusal)
    assert (again.stable_code, again.message, again.detail) == (first.stable_code, first.message, first.detail)


def test_what_was_remembered_before_is_answered_from_there() -> None:
    earlier = Committed(3, NOON, {"n": 60})
    batch = decided(payment(60, "a"), remembered={request_key(request("a")): Remembered(request("a").digest, earlier)})
    assert verdicts(batch) == [Committed(3, NOON, {"n": 60}, replayed=True)]
    assert batch.sealed == []
    assert batch.answers == []


def test_what_is_stale_is_not_remembered_and_may_be_tried_again() -> None:
    stale = Change(
        "cus_ann", EventKind.ASSET_PAUSED, {}, requires=(Requirement("assets", "EUR", 2),), request=request("a")
    )
    batch = decided(stale, payment(1, "a"), known=Known(books().totals, versions={("assets", "EUR"): 1}))
    first, second = verdicts(batch)
    assert isinstance(first, Stale)
    assert isinstance(second, Committed)
    assert [asked.key for asked, _ in batch.answers] == ["a"]


def test_every_receipt_of_a_batch_proves_its_change() -> None:
    batch = decided(payment(1, "a"), payment(2), payment(101), payment(3))
    assert batch.sealing.signed is not None
    assert is_signed(KEY.id, batch.head.hash, LATER, batch.sealing.signed.tree.root, batch.sealing.signed.signature)
    made = [verdict for verdict in verdicts(batch) if isinstance(verdict, Committed)]
    for place, verdict in enumerate(made):
        assert verdict.receipt is not None
        receipt = verdict.receipt()
        assert receipt is not None
        assert (receipt.index, receipt.size, receipt.head, receipt.at) == (place, 3, batch.head.hash, LATER)
        assert receipt.chain == batch.sealed[place].hash
        claim = verify_receipt(receipt, KEY.id)
        assert (claim["result"], claim["at"], claim["kind"]) == (verdict.result, time_text(LATER), "payment.sent")


def test_without_a_key_of_the_journal_there_are_no_receipts() -> None:
    batch = decided(payment(1), key=None)
    (made,) = verdicts(batch)
    assert isinstance(made, Committed)
    assert made.receipt is not None
    assert made.receipt() is None
    assert batch.sealing.signed is None


def test_the_body_of_a_balancing_transfer_tells_what_the_journal_made_of_it() -> None:
    entry = templates.charged_back(ANN, accounts.hot(NetworkId("sepa"), EUR), Amount(130, EUR))
    row = {"id": "EUR", "decimals": 2, "paused": False, "pause_reason": None}
    change = Change("node", EventKind.DEPOSIT_ORPHANED, {}, entry=entry, writes=(Insert("assets", row),))
    (sealed,) = decided(change, known=Known(books().totals, versions={("assets", "EUR"): None})).sealed
    body = decode_body(sealed.body)
    hot = "house:hot@sepa:EUR"
    assert body["entry"] == [
        ["post", balance(ANN), hot, "EUR", "100", None],
        ["post", "cus_ann:receivable:EUR", hot, "EUR", "30", None],
    ]
    assert body["writes"] == [["insert", "assets", {**row, "version": 1}]]
    assert [each.transfer.amount.units for each in sealed.judged] == [100, 30]
    (write,) = sealed.writes
    assert [write.verb, write.table, dict(zip(write.names, write.values, strict=True))] == body["writes"][0]


def test_a_retry_with_another_meaning_is_refused_before_anything_else() -> None:
    earlier = Remembered(b"digest", RememberedRefusal("some_code", "words", {"a": "1"}))
    same, other = Request("o", "p", "k", b"digest"), Request("o", "p", "k", b"digest!")
    assert request_key(same) == ("o", "p", "k")
    assert replay(same, earlier) is earlier.answer
    assert isinstance(replay(other, earlier), KeyReused)


def test_a_refusal_is_remembered_word_for_word() -> None:
    refusal = InsufficientFunds(balance(ANN), Amount(5, EUR), 3)
    told = remembered_refusal(refusal)
    assert (told.stable_code, told.message, told.detail) == (refusal.stable_code, refusal.message, refusal.detail)
    with pytest.raises(Refusal):
        raise told
