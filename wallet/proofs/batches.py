"""Proving the batches while the journal is replayed: no row without one, and every signed root is the rows' own.

Only batches from before receipts were made have no signature: once one is signed, all that follow are.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from wallet.journal.body import time_text
from wallet.journal.chain import microseconds
from wallet.journal.receipts import Tree, is_signed, leaf, sealed_claim
from wallet.proofs.broken import BooksBroken

BATCHES = """
SELECT first_seq, last_seq, at, root, key, signature FROM journal_batches WHERE last_seq > $1 ORDER BY last_seq LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """`seal` is root, key and signature, or None. `at` also as microseconds and as the text in its claims."""

    first: int
    last: int
    at: datetime
    at_us: int
    at_text: bytes
    seal: tuple[bytes, str, bytes] | None

    @property
    def name(self) -> str:
        return f"the batch of journal rows {self.first} to {self.last}"


class BatchSignature(msgspec.Struct, frozen=True, array_like=True):
    """Of the batch that ends with row `last`, to be checked."""

    first: int
    last: int
    key: str
    head: bytes
    at: datetime
    root: bytes
    signature: bytes

    def is_sound(self) -> bool:
        return is_signed(self.key, self.head, self.at, self.root, self.signature)

    @property
    def complaint(self) -> str:
        return f"the batch of journal rows {self.first} to {self.last} is not signed by the key that it names"


def read_batch(
    first: int, last: int, at: datetime, root: bytes | None, key: str | None, signature: bytes | None
) -> StoredBatch:
    """Root, key and signature are there or not together, by the table's own check."""
    seal = None if root is None or key is None or signature is None else (root, key, signature)
    return StoredBatch(first, last, at, microseconds(at), time_text(at).encode(), seal)


@dataclass(slots=True)
class BatchProof:
    """`keys` are those that signed, with the last row of each one's first batch."""

    batches: int = 0
    receipts: int = 0
    keys: dict[str, int] = field(default_factory=dict)
    _coming: deque[StoredBatch] = field(default_factory=deque)
    _open: StoredBatch | None = None
    _leaves: list[bytes] = field(default_factory=list)
    _signatures: list[BatchSignature] = field(default_factory=list)

    def expect(self, batches: Iterable[StoredBatch]) -> None:
        self._coming.extend(batches)

    def take_signatures(self) -> list[BatchSignature]:
        """Those that were met since they were taken last."""
        met, self._signatures = self._signatures, []
        return met

    def take(
        self,
        seq: int,
        at_us: int,
        digest: bytes,
        kind: str,
        request: msgspec.Raw,
        data: msgspec.Raw,
        result: msgspec.Raw,
    ) -> None:
        """One sound journal row after the other. Raises `BooksBroken`; signatures are left to who takes them."""
        batch = self._open or self._begin(seq)
        if at_us != batch.at_us:
            raise BooksBroken(f"journal row {seq} has another time than {batch.name}")
        if batch.seal is not None:
            self._leaves.append(leaf(digest, sealed_claim(batch.at_text, kind, request, data, result)))
        if seq == batch.last:
            self._end(batch, digest)

    def _begin(self, seq: int) -> StoredBatch:
        if not self._coming:
            raise BooksBroken(f"journal row {seq} is in no batch")
        batch = self._open = self._coming.popleft()
        if batch.first != seq or batch.last < seq:
            raise BooksBroken(f"journal row {seq} is in no batch: {batch.name} is the next")
        if batch.seal is None and self.keys:
            raise BooksBroken(f"{batch.name} is not signed, and one before it is")
        return batch

    def _end(self, batch: StoredBatch, head: bytes) -> None:
        self._open = None
        self.batches += 1
        if batch.seal is None:
            return
        root, key, signature = batch.seal
        if Tree(self._leaves).root != root:
            raise BooksBroken(f"{batch.name} has another root than its rows lead to")
        self._signatures.append(BatchSignature(batch.first, batch.last, key, head, batch.at, root, signature))
        self.receipts += len(self._leaves)
        self.keys.setdefault(key, batch.last)
        self._leaves.clear()

    def close(self, listed: Mapping[str, object]) -> None:
        """At the head, beyond which no batch goes. `listed` are the rows of `journal_keys`. Raises `BooksBroken`."""
        for key, last in self.keys.items():
            if key not in listed:
                raise BooksBroken(
                    f"the batch that ends with journal row {last} is signed by {key}, which is not listed"
                )
