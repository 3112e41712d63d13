"""Receipts of lately committed Changes are at hand; what was pushed out is not mistaken for another."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.bench.payments import EUR, KEY, customer, made_payment
from wallet.journal import recent_receipts
from wallet.journal.batch import Batch, Sealed, Sealing
from wallet.journal.head import Head
from wallet.journal.judge import Known
from wallet.journal.receipts import SignedBatch, Tree, leaf, sign_batch, verify_receipt
from wallet.journal.recent_receipts import RecentReceipts
from wallet.money import Amount

AT = datetime(2026, 11, 25, tzinfo=UTC)
_CHANGE = made_payment(customer(1), customer(2), Amount(1, EUR))


def batch(first: int, size: int) -> Batch:
    """Signed, with sequences from `first` on."""
    claims = [b'{"v":1,"at":"2026-11-25T00:00:00.000000+00:00","n":%d}' % (first + n) for n in range(size)]
    hashes = [(first + n).to_bytes(32, "big") for n in range(size)]
    sealed = [Sealed(first + n, hashes[n], b"", _CHANGE, [], [], claims[n]) for n in range(size)]
    tree = Tree([leaf(chain, claim) for chain, claim in zip(hashes, claims, strict=True)])
    signed = SignedBatch(tree, hashes[-1], AT, KEY.id, sign_batch(KEY, hashes[-1], AT, tree.root))
    return Batch(Head(first - 1, bytes(32), AT, 0), AT, Known(), {}, sealed=sealed, sealing=Sealing(signed))


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
    kept.keep(replace(batch(23, 2), sealing=Sealing()))  # without a key
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
