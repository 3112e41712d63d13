"""Signed heads that somebody else keeps, and what they tell of a journal: a lost tail, a fork, a clock put back.

What this prevents: a restored old backup, a standby that missed the end, or an owner of the database who writes the whole
chain anew going unnoticed. A journal always agrees with itself; it does not agree with a head that was seen before.

    WitnessContradicted
    ├── HeadMissing     a head was seen that the journal does not reach any more
    ├── HeadForked      another hash was seen at a place of the journal
    └── LineRefused     a line of the file itself is wrong: not signed, out of order, or unreadable
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from wallet.journal.body import time_text
from wallet.journal.receipts import is_signed

LOOKED_UP_AT_ONCE = 5_000


class WitnessContradicted(Exception):
    """The journal is not the one that was witnessed, or the witness's file is not what was written."""


class HeadMissing(WitnessContradicted):
    def __init__(self, head: "SignedHead", seq: int) -> None:
        super().__init__(
            f"the witness saw journal row {head.seq} at {time_text(head.at)}, and the journal ends with row {seq}:"
            " its tail was lost"
        )


class HeadForked(WitnessContradicted):
    def __init__(self, head: "SignedHead") -> None:
        super().__init__(
            f"the witness saw journal row {head.seq} with the hash {head.hash.hex()}, and the journal has another:"
            " it was forked or written anew"
        )


class LineRefused(WitnessContradicted):
    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number} of the witness: {reason}")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The journal's head after a batch. `root`, `key` and `signature` are None for one that was written without a key."""

    seq: int
    hash: bytes
    at: datetime
    root: bytes | None
    key: str | None
    signature: bytes | None

    def to_line(self) -> str:
        wire = _Line(
            at=time_text(self.at),
            head=self.hash.hex(),
            seq=self.seq,
            root=None if self.root is None else self.root.hex(),
            key=self.key,
            signature=None if self.signature is None else self.signature.hex(),
        )
        return msgspec.json.encode(wire).decode() + "\n"


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    at: str
    head: str
    seq: int
    root: str | None
    key: str | None
    signature: str | None


_read = msgspec.json.Decoder(_Line).decode


def read_heads(lines: Iterable[str]) -> Iterator[tuple[int, SignedHead]]:
    """With their line numbers. A line that was cut by a power failure is passed over; anything else that cannot be read
    raises `LineRefused`."""
    for number, line in enumerate(lines, start=1):
        if not line.rstrip().endswith("}"):
            continue
        try:
            wire = _read(line)
            root = None if wire.root is None else bytes.fromhex(wire.root)
            signature = None if wire.signature is None else bytes.fromhex(wire.signature)
            at = datetime.fromisoformat(wire.at)
            yield number, SignedHead(wire.seq, bytes.fromhex(wire.head), at, root, wire.key, signature)
        except (msgspec.DecodeError, ValueError) as error:
            raise LineRefused(number, f"cannot be read: {error}") from error


def check_lines(heads: Iterable[tuple[int, SignedHead]], keys: Sequence[str]) -> int:
    """A witness's file by itself: every head is signed by one of the keys, and rows and times only go forward. How many
    there are. Raises `LineRefused`."""
    before: SignedHead | None = None
    checked = 0
    for number, head in heads:
        if before is not None and (head.seq, head.hash) == (before.seq, before.hash):
            continue
        _check_signature(number, head, keys)
        if before is not None and head.seq <= before.seq:
            raise LineRefused(
                number, f"row {head.seq} comes after row {before.seq}: the journal went back or was forked"
            )
        if before is not None and head.at < before.at:
            raise LineRefused(number, f"{time_text(head.at)} comes after {time_text(before.at)}: the time went back")
        before = head
        checked += 1
    return checked


def _check_signature(number: int, head: SignedHead, keys: Sequence[str]) -> None:
    if head.root is None or head.key is None or head.signature is None:
        raise LineRefused(number, "is not signed")
    if head.key not in keys:
        raise LineRefused(number, f"is signed by {head.key}")
    if not is_signed(head.key, head.hash, head.at, head.root, head.signature):
        raise LineRefused(number, f"the signature of {head.key} does not cover it")


async def compare_heads(connection: asyncpg.Connection, heads: Iterable[tuple[int, SignedHead]]) -> int:
    """Every witnessed head must be on record; how many are. Those of archived rows are left to the archive's own head.
    Raises `WitnessContradicted`."""
    archived = await connection.fetchval("SELECT coalesce(max(last_seq), 0) FROM archives")
    compared, waiting = 0, list[SignedHead]()
    for _, head in heads:
        if head.seq > archived:
            waiting.append(head)
        if len(waiting) == LOOKED_UP_AT_ONCE:
            compared += await _compare(connection, waiting)
            waiting = []
    return compared + await _compare(connection, waiting)


async def _compare(connection: asyncpg.Connection, heads: Sequence[SignedHead]) -> int:
    wanted = [head.seq for head in heads]
    rows = await connection.fetch("SELECT seq, hash FROM journal WHERE seq = ANY ($1::bigint[])", wanted)
    stored = {row["seq"]: bytes(row["hash"]) for row in rows}
    for head in heads:
        if head.seq not in stored:
            raise HeadMissing(head, await connection.fetchval("SELECT seq FROM journal_head") or 0)
        if stored[head.seq] != head.hash:
            raise HeadForked(head)
    return len(heads)


_HEAD = """
SELECT h.seq, h.hash, h.at, b.root, b.key, b.signature
FROM journal_head h JOIN journal_batches b ON b.last_seq = h.seq
"""


async def current_head(connection: asyncpg.Connection) -> SignedHead | None:
    """None for an empty journal."""
    row = await connection.fetchrow(_HEAD)
    if row is None:
        return None
    root, signature = (None if row[name] is None else bytes(row[name]) for name in ("root", "signature"))
    return SignedHead(row["seq"], bytes(row["hash"]), row["at"], root, row["key"], signature)
