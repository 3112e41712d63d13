"""What the Changes of a batch claim, gathered while it is judged; then its tree and signature, out of which receipts are made.

Hashes and claims lie one after the other. As objects of their own they would stay by the thousand for as long as receipts
are at hand, and cost every payment its place in the processor's caches.
"""

from datetime import datetime

from wallet.journal.receipts import HASH_BYTES, JournalKey, Receipt, SignedBatch, Tree, leaf, sign_batch


class Sealing:
    """Of one batch. Without a key there is no signature, and are no receipts."""

    __slots__ = ("_chain", "_claims", "_ends", "_leaves", "key", "signed")

    def __init__(self, key: JournalKey | None) -> None:
        self.key = key
        self.signed: SignedBatch | None = None
        self._leaves: list[bytes] = []
        self._chain, self._claims, self._ends = bytearray(), bytearray(), [0]

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, chain_hash: bytes, claim: bytes) -> None:
        """The next Change."""
        self._leaves.append(leaf(chain_hash, claim))
        self._chain += chain_hash
        self._claims += claim
        self._ends.append(len(self._claims))

    def sign(self, at: datetime) -> None:
        """When all are in."""
        if self.key is not None and self._leaves:
            tree, head = Tree(self._leaves), bytes(self._chain[-HASH_BYTES:])
            self.signed = SignedBatch(tree, head, at, self.key.id, sign_batch(self.key, head, at, tree.root))
            self._leaves.clear()

    def receipt(self, index: int) -> Receipt | None:
        """Of the Change that was added so many after the first. None without a signature."""
        if self.signed is None:
            return None
        chain = bytes(self._chain[index * HASH_BYTES : (index + 1) * HASH_BYTES])
        return self.signed.receipt(index, chain, bytes(self._claims[self._ends[index] : self._ends[index + 1]]))
