"""What the receipts of lately committed Changes are made of, for retries: they come seconds after the first request, and the
database would have to be asked for the whole batch."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

from wallet.journal.batch import Batch
from wallet.journal.receipts import Receipt, SignedBatch

CHANGES_MAX = 20_000  # some seconds at full speed, and some ten megabytes


@dataclass(frozen=True, slots=True)
class _Kept:
    first_seq: int
    signed: SignedBatch
    leaves: tuple[tuple[bytes, bytes], ...]  # chain hash and claim of each Change


class RecentReceipts:
    """The batches that this process committed last, in their order. Past the limit the oldest goes."""

    __slots__ = ("_batches", "_changes")

    def __init__(self) -> None:
        self._batches: deque[_Kept] = deque()
        self._changes = 0

    def keep(self, batch: Batch) -> None:
        """Only after its commit."""
        signed = batch.sealing.signed
        if not batch.sealed or signed is None:
            return
        leaves = tuple([(sealed.hash, sealed.claim) for sealed in batch.sealed])
        self._batches.append(_Kept(batch.sealed[0].seq, signed, leaves))
        self._changes += len(leaves)
        while self._changes > CHANGES_MAX and len(self._batches) > 1:
            self._changes -= len(self._batches.popleft().leaves)

    def find(self, seq: int) -> Receipt | None:
        """None for a Change that is not among them."""
        place = bisect_right(self._batches, seq, key=lambda kept: kept.first_seq) - 1
        if place < 0:
            return None
        kept = self._batches[place]
        index = seq - kept.first_seq
        return kept.signed.receipt(index, *kept.leaves[index]) if index < len(kept.leaves) else None
