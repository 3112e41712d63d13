"""Proving the books: replay the journal and compare the chain, the transfers, the balances, the holds and every row.

Reads in chunks up to a sequence fixed at the start, so that no long snapshot slows the running node. Names the first bad
place in words. What it needs is the journal itself: everything else must follow from it, bit for bit.

    copied   blocks of rows as PostgreSQL copies them out        replay   the books as the journal tells them
    source   the archives of old partitions, then the database   batches  the signed root of each transaction
    compare  the tables at the end, and a closer look where a block differs
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import asyncpg
import msgspec

from wallet.journal.chain import GENESIS, TAG, microseconds
from wallet.proofs.batches import BATCHES, BatchProof, read_batch
from wallet.proofs.compare import compare_ends, name_bad_transfer
from wallet.proofs.copied import TRANSFER_COLUMNS, chain_words, journal_rows, tail
from wallet.proofs.replay import (
    Body,
    BooksBroken,
    Replay,
    answer_line,
    is_clear,
    read_body,
    read_request,
    viewer_lines,
)
from wallet.proofs.source import Source, open_source

__all__ = ["BooksBroken", "Proof", "verify"]

CHUNK = 5_000  # journal rows read at a time: a few megabytes, tens of milliseconds

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """`head` is the hash that seals everything up to `seq`: two proofs with the same head speak of the same books."""

    seq: int
    head: str
    transfers: int
    accounts: int
    rows: int
    batches: int
    receipts: int


@dataclass(slots=True)
class _Walk:
    """How far the replay has come: the last sound row, its hash, and what follows from the rows up to it."""

    source: Source
    seq: int = 0
    hash: bytes = GENESIS
    replay: Replay = field(default_factory=Replay)
    batches: BatchProof = field(default_factory=BatchProof)

    def proof(self) -> Proof:
        rows = sum(len(rows) for rows in self.replay.rows.values())
        signed = self.batches
        return Proof(
            seq=self.seq,
            head=self.hash.hex(),
            transfers=self.replay.transfers,
            accounts=len(self.replay.totals),
            rows=rows,
            batches=signed.batches,
            receipts=signed.receipts,
        )


async def verify(
    connection: asyncpg.Connection, progress: Progress | None = None, archives: Path | None = None
) -> Proof:
    """`archives` is the folder of archived partitions, where there are some. Raises `BooksBroken`.

    The comparison of tables runs in one short read of each; on a busy node it is repeated on what was committed meanwhile,
    so that a running node can be verified."""
    walk = _Walk(await open_source(connection, archives))
    while True:
        target = await connection.fetchval("SELECT seq FROM journal_head")
        await _walk_to(walk, target or 0, progress)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            head = await connection.fetchrow("SELECT seq, hash, at FROM journal_head")
            if head is None:
                raise BooksBroken("journal_head is empty")
            if head["seq"] - walk.seq > CHUNK:
                continue
            await _walk_to(walk, head["seq"], progress)
            if bytes(head["hash"]) != walk.hash:
                raise BooksBroken(f"the head's hash is not the hash of journal row {walk.seq}")
            await compare_ends(connection, walk.replay, walk.source.archived, walk.seq)
            if walk.seq and microseconds(head["at"]) != walk.replay.at:
                raise BooksBroken(f"the head's time is not the time of journal row {walk.seq}")
            await _close_batches(connection, walk)
            return walk.proof()


async def _close_batches(connection: asyncpg.Connection, walk: _Walk) -> None:
    stray = "SELECT last_seq FROM journal_batches WHERE last_seq > $1 OR last_seq < 1 OR first_seq < 1 LIMIT 1"
    found = await connection.fetchval(stray, walk.seq)
    if found is not None:
        raise BooksBroken(f"journal_batches has one that ends with {found}, and the journal runs from 1 to {walk.seq}")
    walk.batches.close(walk.replay.rows["journal_keys"])


async def _walk_to(walk: _Walk, target: int, progress: Progress | None) -> None:
    while walk.seq < target:
        block = await walk.source.block(walk.seq, target, CHUNK)
        while walk.batches.fetched < block.upto:
            found = await walk.source.connection.fetch(BATCHES, walk.batches.fetched, CHUNK)
            if not found:
                break
            walk.batches.expect(read_batch(*row) for row in found)
        lines: list[str] = []
        broken = _replay_rows(walk, block.journal, lines)
        told = "".join(lines)
        if told != block.transfers or not is_clear(told, len(lines), TRANSFER_COLUMNS):
            await name_bad_transfer(walk.source.connection, lines, block, walk.seq)
        if broken is not None:
            raise broken
        if walk.seq != block.upto:
            raise BooksBroken(f"journal row {walk.seq + 1} is missing")
        if progress is not None:
            progress(walk.seq, target)


def _replay_rows(walk: _Walk, copied: bytes, lines: list[str]) -> BooksBroken | None:
    """Rows one after the other up to the first bad one; what is wrong with that, so that an earlier row's transfers can be
    looked at first."""
    answers: list[str] = []
    viewers: list[str] = []
    broken = None
    try:
        for seq, at, record, rest in journal_rows(copied):
            if seq != walk.seq + 1:
                raise BooksBroken(f"journal row {walk.seq + 1} is missing: the next is {seq}")  # noqa: TRY301 (see above)
            digest = sha256(b"".join((TAG, walk.hash, chain_words(seq, at, record), record))).digest()
            body = _sound_body(seq, record, digest, copied, rest)
            walk.replay.apply(seq, body, lines)
            walk.batches.take(seq, at, digest, body)
            request = read_request(body.request)
            if request is not None:
                answers.append(answer_line(seq, request))
            viewers += viewer_lines(seq, body.viewers)
            walk.seq, walk.hash, walk.replay.at = seq, digest, at
    except BooksBroken as error:
        broken = error
    walk.replay.answered.update("".join(answers).encode())
    walk.replay.seen.update("".join(viewers).encode())
    return broken


def _sound_body(seq: int, record: bytes, digest: bytes, copied: bytes, rest: int) -> Body:
    """Raises `BooksBroken` if hash, kind or actor, which stand at `rest`, are not those of the record."""
    name = f"journal row {seq}"
    if not copied.startswith(digest, rest + 4):
        raise BooksBroken(f"{name} does not match its hash: it, its time or its place was changed")
    try:
        body = read_body(record)
    except msgspec.DecodeError as error:
        raise BooksBroken(f"{name} cannot be read: {error}") from error
    if not copied.startswith(tail(digest, body.kind, body.actor), rest):
        raise BooksBroken(f"{name}: kind or actor differ from the sealed body")
    return body
