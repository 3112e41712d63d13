"""What the receipts of lately committed Changes are made of, for retries: they come seconds after the first request, and the
database would have to be asked for the whole batch."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import accumulate

from wallet.journal.batch import Batch
from wallet.journal.receipts import HASH_BYTES, Receipt, SignedBatch

CHANGES_MAX = 20_000  # some seconds at full speed, and some ten megabytes


@dataclass(frozen=True, slots=True)
class _Kept:
    first_seq: int
    signed: SignedBatch
    chain: bytes  # one hash after the other: small objects by the thousand would cost every payment its place in the caches
    claims: bytes
    ends: tuple[int, ...]  # where each claim ends

    def receipt(self, index: int) -> Receipt:
        chain = self.chain[index * HASH_BYTES : (index + 1) * HASH_BYTES]
        claim = self.claims[self.ends[index - 1] if index else 0 : self.ends[index]]
        return self.signed.receipt(index, chain, claim)


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
        chain, claims = b"".join([sealed.hash for sealed in batch.sealed]), [sealed.claim for sealed in batch.sealed]
        ends = tuple(accumulate(map(len, claims)))
        self._batches.append(_Kept(batch.sealed[0].seq, signed, chain, b"".join(claims), ends))
        self._changes += len(ends)
        while self._changes > CHANGES_MAX and len(self._batches) > 1:
            self._changes -= len(self._batches.popleft().ends)

    def find(self, seq: int) -> Receipt | None:
        """None for a Change that is not among them."""
        place = bisect_right(self._batches, seq, key=lambda kept: kept.first_seq) - 1
        if place < 0:
            return None
        kept = self._batches[place]
        index = seq - kept.first_seq
        return kept.receipt(index) if index < len(kept.ends) else None
