"""Receipts of lately committed Changes are at hand; what was pushed out is not mistaken for another."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.bench.payments import EUR, KEY, customer, made_payment
from wallet.journal import recent_receipts
from wallet.journal.batch import Batch
from wallet.journal.head import Head
from wallet.journal.judge import Known
from wallet.journal.receipts import HASH_BYTES, verify_receipt
from wallet.journal.recent_receipts import RecentReceipts
from wallet.journal.sealing import Sealing
from wallet.money import Amount

AT = datetime(2026, 11, 25, tzinfo=UTC)
_CHANGE = made_payment(customer(1), customer(2), Amount(1, EUR))


def batch(first: int, size: int) -> Batch:
    """Signed, with sequences from `first` on."""
    sealing = Sealing(KEY)
    for seq in range(first, first + size):
        claim = b'{"v":1,"at":"2026-11-25T00:00:00.000000+00:00","n":%d}' % seq
        sealing.add(seq.to_bytes(HASH_BYTES, "big"), claim)
    sealing.sign(AT)
    return Batch(Head(first - 1, bytes(HASH_BYTES), AT, 0), AT, Known(), {}, sealing=sealing)


def test_each_change_of_the_batches_kept_has_its_own_receipt() -> None:
    kept = RecentReceipts()
    kept.keep(batch(10, 3))
    kept.keep(batch(13, 5))
    for seq in range(10, 18):
        receipt = kept.find(seq)
        assert receipt is not None
        assert verify_receipt(receipt, KEY.id)["n"] == seq


def test_what_was_not_committed_here_has_none() -> None:
    kept = RecentReceipts()
    assert kept.find(1) is None
    kept.keep(batch(10, 3))
    kept.keep(batch(20, 3))  # another process wrote 13 to 19
    kept.keep(replace(batch(23, 2), sealing=Sealing(None)))  # without a key
    assert [kept.find(seq) for seq in (9, 13, 19, 23, 24)] == [None] * 5


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (6, [*range(10, 16)]),  # two batches fit to the last Change
        (5, [13, 14, 15]),
        (2, [13, 14, 15]),  # the last one is kept whatever its size
    ],
)
def test_past_the_limit_the_oldest_goes(monkeypatch: pytest.MonkeyPatch, limit: int, expected: list[int]) -> None:
    monkeypatch.setattr(recent_receipts, "CHANGES_MAX", limit)
    kept = RecentReceipts()
    for first in (1, 4, 7, 10, 13):
        kept.keep(batch(first, 3))
    assert [seq for seq in range(1, 16) if kept.find(seq) is not None] == expected
