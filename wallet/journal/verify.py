"""Proving the books: replay the journal and compare the chain, the transfers, the balances, the holds and every row.

Reads in chunks up to a sequence fixed at the start, so that no long snapshot slows the running node. Names the first bad
place in words. What it needs is the journal itself: everything else must follow from it, bit for bit.

    copied   blocks of rows as PostgreSQL copies them out        replay   the books as the journal tells them
    compare  the tables at the end, and a closer look where a block differs
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

import asyncpg
import msgspec

from wallet.journal.chain import GENESIS, TAG, microseconds
from wallet.journal.compare import compare_ends, name_bad_transfer
from wallet.journal.copied import JOURNAL, TRANSFER_COLUMNS, TRANSFERS, copy_binary, copy_text, journal_rows, tail
from wallet.journal.replay import (
    Body,
    BooksBroken,
    Replay,
    answer_line,
    is_clear,
    read_body,
    read_request,
    viewer_lines,
)

__all__ = ["BooksBroken", "Proof", "verify"]

CHUNK = 5_000  # journal rows read at a time: a few megabytes, tens of milliseconds

Progress = Callable[[int, int], None]
_WORDS = Struct("!QQQ")  # of the chain's record: sequence, microseconds, the body's length


@dataclass(frozen=True, slots=True)
class Proof:
    """`head` is the hash that seals everything up to `seq`: two proofs with the same head speak of the same books."""

    seq: int
    head: str
    transfers: int
    accounts: int
    rows: int


async def verify(connection: asyncpg.Connection, progress: Progress | None = None) -> Proof:
    """Raises `BooksBroken`. The comparison of tables runs in one short read of each; on a busy node it is repeated on what
    was committed meanwhile, so that a running node can be verified."""
    replay, seq, previous = Replay(), 0, GENESIS
    while True:
        target = await connection.fetchval("SELECT seq FROM journal_head")
        seq, previous = await _replay_to(connection, replay, seq, previous, target or 0, progress)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            head = await connection.fetchrow("SELECT seq, hash, at FROM journal_head")
            if head is None:
                raise BooksBroken("journal_head is empty")
            if head["seq"] - seq > CHUNK:
                continue
            seq, previous = await _replay_to(connection, replay, seq, previous, head["seq"], progress)
            if bytes(head["hash"]) != previous:
                raise BooksBroken(f"the head's hash is not the hash of journal row {seq}")
            await compare_ends(connection, replay, seq)
            if seq and microseconds(head["at"]) != replay.at:
                raise BooksBroken(f"the head's time is not the time of journal row {seq}")
            break
    rows = sum(len(rows) for rows in replay.rows.values())
    return Proof(seq, previous.hex(), replay.transfers, len(replay.totals), rows)


async def _replay_to(
    connection: asyncpg.Connection, replay: Replay, seq: int, previous: bytes, target: int, progress: Progress | None
) -> tuple[int, bytes]:
    while seq < target:
        upto = min(seq + CHUNK, target)
        copied = await copy_binary(connection, JOURNAL, seq, upto)
        stored = await copy_text(connection, TRANSFERS, seq, upto)
        lines: list[str] = []
        reached, previous, broken = _replay_rows(replay, seq, previous, copied, lines)
        told = "".join(lines)
        if told != stored or not is_clear(told, len(lines), TRANSFER_COLUMNS):
            await name_bad_transfer(connection, lines, seq, min(reached, upto))
        if broken is not None:
            raise broken
        if reached != upto:
            raise BooksBroken(f"journal row {reached + 1} is missing")
        if told != stored:
            await name_bad_transfer(connection, lines, seq, upto)
        seq = reached
        if progress is not None:
            progress(seq, target)
    return seq, previous


def _replay_rows(
    replay: Replay, seq: int, previous: bytes, copied: bytes, lines: list[str]
) -> tuple[int, bytes, BooksBroken | None]:
    """Rows one after the other up to the first bad one: the last sound one, its hash, and what is wrong with the next."""
    answers: list[str] = []
    viewers: list[str] = []
    broken = None
    try:
        for found, at, record, rest in journal_rows(copied):
            if found != seq + 1:
                raise BooksBroken(f"journal row {seq + 1} is missing: the next is {found}")  # noqa: TRY301 (told below)
            digest = sha256(b"".join((TAG, previous, _WORDS.pack(found, at, len(record)), record))).digest()
            body = _sound_body(found, record, digest, copied, rest)
            replay.apply(found, body, lines)
            request = read_request(body.request)
            if request is not None:
                answers.append(answer_line(found, request))
            viewers += viewer_lines(found, body.viewers)
            seq, previous, replay.at = found, digest, at
    except BooksBroken as error:
        broken = error
    replay.answered.update("".join(answers).encode())
    replay.seen.update("".join(viewers).encode())
    return seq, previous, broken


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
