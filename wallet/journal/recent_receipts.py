"""What the receipts of lately committed Changes are made of, for retries: they come seconds after the first request, and the
database would have to be asked for the whole batch."""

from bisect import bisect_right
from collections import deque

from wallet.journal.batch import Batch
from wallet.journal.receipts import Receipt
from wallet.journal.sealing import Sealing

CHANGES_MAX = 20_000  # some seconds at full speed, and some ten megabytes


class RecentReceipts:
    """The batches that this process committed last, in their order. Past the limit the oldest goes."""

    __slots__ = ("_batches", "_changes")

    def __init__(self) -> None:
        self._batches: deque[tuple[int, Sealing]] = deque()  # each with its first sequence
        self._changes = 0

    def keep(self, batch: Batch) -> None:
        """Only after its commit."""
        sealing = batch.sealing
        if sealing.signed is None:
            return
        self._batches.append((batch.before.seq + 1, sealing))
        self._changes += len(sealing)
        while self._changes > CHANGES_MAX and len(self._batches) > 1:
            self._changes -= len(self._batches.popleft()[1])

    def find(self, seq: int) -> Receipt | None:
        """None for a Change that is not among them."""
        place = bisect_right(self._batches, seq, key=lambda kept: kept[0]) - 1
        if place < 0:
            return None
        first, sealing = self._batches[place]
        return sealing.receipt(seq - first) if seq - first < len(sealing) else None
