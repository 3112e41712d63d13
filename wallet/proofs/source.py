"""Where replaying gets its rows from: the archives of old partitions first, then the database. The same bytes in both.

An archive is a file of blocks, each a line of JSON that says how long what follows is, then the rows of the journal as a
binary COPY and their transfers as a text COPY. Its SHA-256 and the last hash of its chain are rows of the books.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import asyncpg
import msgspec

from wallet.proofs.broken import BooksBroken
from wallet.proofs.copied import JOURNAL, TRANSFERS, copy_binary, copy_text

_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class JournalBlock:
    """Rows after `after` up to `upto`; `archived` names the file that they are from."""

    after: int
    upto: int
    journal: bytes
    transfers: str
    archived: str | None = None


class _Header(msgspec.Struct):
    after: int
    upto: int
    journal: int
    transfers: int


_read_header = msgspec.json.Decoder(_Header).decode


async def read_block(connection: asyncpg.Connection, after: int, upto: int) -> JournalBlock:
    journal = await copy_binary(connection, JOURNAL, after, upto)
    return JournalBlock(after, upto, journal, await copy_text(connection, TRANSFERS, after, upto))


def write_block(file: IO[bytes], block: JournalBlock) -> None:
    transfers = block.transfers.encode()
    file.write(msgspec.json.encode(_Header(block.after, block.upto, len(block.journal), len(transfers))) + b"\n")
    file.write(block.journal)
    file.write(transfers)


def read_archive(file: Path) -> Iterator[JournalBlock]:
    """Raises `BooksBroken` if it is cut or no archive, OSError."""
    with file.open("rb") as opened:
        while line := opened.readline(_READ_BYTES):
            try:
                header = _read_header(line)
            except msgspec.DecodeError as error:
                raise BooksBroken(f"{file} is no archive: {error}") from error
            journal, transfers = opened.read(header.journal), opened.read(header.transfers)
            if len(journal) != header.journal or len(transfers) != header.transfers:
                raise BooksBroken(f"{file} was cut")
            yield JournalBlock(header.after, header.upto, journal, transfers.decode(), file.name)


def file_digest(file: Path) -> str:
    """SHA-256 in hex. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def archive_name(number: str) -> str:
    return f"journal_{number}.coffer-archive"


@dataclass(slots=True)
class JournalSource:
    """`archived` is the last row that only the archives have."""

    connection: asyncpg.Connection
    archived: int
    _blocks: Iterator[JournalBlock] = field(default_factory=lambda: iter(()))

    async def block(self, after: int, target: int, rows: int) -> JournalBlock:
        """The next rows, as many as fit: `rows` of them from the database. Raises `BooksBroken`."""
        if after >= self.archived:
            return await read_block(self.connection, after, min(after + rows, target))
        found = await asyncio.to_thread(next, self._blocks, None)
        if found is None or found.after != after:
            raise BooksBroken(f"journal row {after + 1} is missing: the archives do not go on there")
        return found


async def open_source(connection: asyncpg.Connection, folder: Path | None) -> JournalSource:
    """Raises `BooksBroken` if rows were archived and `folder` does not have the very files."""
    rows = await connection.fetch("SELECT id, last_seq, digest FROM archives ORDER BY first_seq")
    if not rows:
        return JournalSource(connection, 0)
    last = rows[-1]["last_seq"]
    if folder is None:
        raise BooksBroken(f"journal rows up to {last} were archived: name the folder that has the files")
    files = [(folder.joinpath(archive_name(row["id"])), row["digest"]) for row in rows]
    return JournalSource(connection, last, sound_blocks(files))


def sound_blocks(files: Sequence[tuple[Path, str]]) -> Iterator[JournalBlock]:
    """Of archives and the digests that the books have of them. Raises `BooksBroken` at the first that is another."""
    for file, digest in files:
        try:
            found = file_digest(file)
        except OSError as error:
            raise BooksBroken(f"the archive {file} cannot be read: {error.strerror}") from error
        if found != digest:
            raise BooksBroken(f"{file} is not the file that was archived")
        yield from read_archive(file)
