"""`coffer archive`: move a full, old partition of the journal and its transfers to a file, sealed by its last hash.

    write ─▶ fsync ─▶ read back: digest, chain ─▶ put on record (a Change) ─▶ only then detach and drop

Repeatable at every step: a file that is there is checked against the record, never written over. What is lost with the
partition is told by the file alone: history, explanations and statements begin after it, and a retry of a request in it is
answered with 503. Hence the least age.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO

import asyncpg

from node.database import Dsns
from node.migrations import apply
from wallet.context import Context
from wallet.durable import sync_folder
from wallet.journal.chain import GENESIS, TAG
from wallet.journal.change import Change, EventKind, Insert
from wallet.proofs.copied import chain_words, journal_rows
from wallet.proofs.source import JournalBlock, archive_name, file_digest, read_archive, read_block, write_block
from wallet.proofs.verify import CHUNK

AGE_MIN = timedelta(days=90)  # nobody repeats a request that long
_LOCK = "SET LOCAL lock_timeout = '5s'"  # the node's writer waits behind us as long

Say = Callable[[str], None]


class ArchiveRefused(Exception):
    """This partition stays where it is."""


@dataclass(frozen=True, slots=True)
class Archived:
    number: str
    first: int
    last: int
    head: str
    digest: str
    file: Path


async def archive_partition(
    context: Context, dsns: Dsns, number: int, folder: Path, say: Say, age_min: timedelta = AGE_MIN
) -> Archived:
    """Raises `ArchiveRefused`, OSError. The caller has proven the books before."""
    name, first, last = f"{number:06d}", max(number * apply.PARTITION_ROWS, 1), (number + 1) * apply.PARTITION_ROWS - 1
    file = folder / archive_name(name)
    books = await asyncpg.connect(dsns.books)
    try:
        record = await books.fetchrow("SELECT head, digest FROM archives WHERE id = $1", name)
        if record is None:
            before = await _refuse_early(books, context, number, last, age_min)
            say(f"writing journal rows {first:,} to {last:,} to {file}")
            digest = await _write(books, first, last, file)
            head = await asyncio.to_thread(_checked, file, first, last, before)
            if bytes(await books.fetchval("SELECT hash FROM journal WHERE seq = $1", last)).hex() != head:
                raise ArchiveRefused(f"{file} does not end with the hash of journal row {last}")
            done = Archived(name, first, last, head, digest, file)
            await _put_on_record(context, done)
        else:
            done = Archived(name, first, last, record["head"], record["digest"], file)
        if await asyncio.to_thread(file_digest, file) != done.digest:
            raise ArchiveRefused(f"{file} is not the file that is on record")
    finally:
        await books.close()
    await _drop(dsns.owner, name)
    return done


async def _refuse_early(
    books: asyncpg.Connection, context: Context, number: int, last: int, age_min: timedelta
) -> bytes:
    """The hash that the partition's chain begins with. Raises `ArchiveRefused`."""
    archives = await books.fetch("SELECT head FROM archives ORDER BY first_seq")
    if len(archives) != number:
        raise ArchiveRefused(f"partitions are archived in order, and the next is {len(archives)}")
    at = await books.fetchval("SELECT at FROM journal WHERE seq = $1", last)
    if at is None:
        raise ArchiveRefused(f"partition {number} is not full")
    if context.clock.now() - at < age_min:
        raise ArchiveRefused(f"partition {number} is younger than {age_min.days} days")
    return bytes.fromhex(archives[-1]["head"]) if archives else GENESIS


async def _write(books: asyncpg.Connection, first: int, last: int, file: Path) -> str:
    """Durable under its name when it returns; its digest. A half-written one of an earlier attempt is replaced."""
    draft = file.with_suffix(".new")
    opened = await asyncio.to_thread(_open_draft, draft)
    with opened:
        for after in range(first - 1, last, CHUNK):
            block = await read_block(books, after, min(after + CHUNK, last))
            await asyncio.to_thread(write_block, opened, block)
        opened.flush()
        await asyncio.to_thread(os.fsync, opened.fileno())
    digest = await asyncio.to_thread(file_digest, draft)
    await asyncio.to_thread(_rename, draft, file)
    return digest


def _open_draft(draft: Path) -> IO[bytes]:
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _rename(draft: Path, file: Path) -> None:
    draft.rename(file)
    sync_folder(file.parent)


def _checked(file: Path, first: int, last: int, before: bytes) -> str:
    """The last hash of the chain that the file holds, read back from the disk. Raises `ArchiveRefused`."""
    seq, previous = first - 1, before
    for found, at, record in _rows(read_archive(file)):
        seq += 1
        if found != seq:
            raise ArchiveRefused(f"{file} misses journal row {seq}")
        previous = sha256(b"".join((TAG, previous, chain_words(found, at, record), record))).digest()
    if seq != last:
        raise ArchiveRefused(f"{file} ends with journal row {seq} instead of {last}")
    return previous.hex()


def _rows(blocks: Iterator[JournalBlock]) -> Iterator[tuple[int, int, bytes]]:
    for block in blocks:
        for seq, at, record, _ in journal_rows(block.journal):
            yield seq, at, record


async def _put_on_record(context: Context, done: Archived) -> None:
    row = {
        "id": done.number,
        "first_seq": done.first,
        "last_seq": done.last,
        "head": done.head,
        "digest": done.digest,
        "created_at": context.clock.now(),
    }
    told = {"partition": done.number, "head": done.head, "digest": done.digest}
    await context.journal.commit(Change("cli", EventKind.JOURNAL_ARCHIVED, told, writes=(Insert("archives", row),)))


async def _drop(owner_dsn: str, name: str) -> None:
    """Both tables or none. One that is gone already was dropped by an earlier attempt."""
    owner = await asyncpg.connect(owner_dsn)
    try:
        async with owner.transaction():
            await owner.execute(_LOCK)
            for table in ("transfers", "journal"):
                if await owner.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{table}_{name}"):
                    await owner.execute(f"ALTER TABLE {table} DETACH PARTITION {table}_{name}")
                    await owner.execute(f"DROP TABLE {table}_{name}")
    finally:
        await owner.close()
