"""A line between the Journal and PostgreSQL that can be cut around a commit, at the moment that a test chooses.

A commit is either the word in a message of its own or, outside of BEGIN, a batch's one statement (PostgreSQL's message
formats: a query, "Q"; the parsing of a statement under a name, "P"; its execution with arguments, "B"). Or at the n-th thing
that is sent from now on, whatever it is.
"""

import asyncio
import contextlib
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

_BEGIN, _COMMIT = b"BEGIN\0", b"COMMIT\0"  # the ends of simple-query messages
_BATCH = b"refuse_batch("  # in the text of the statement that writes one
_MESSAGE_HEAD = 5  # its letter and its length
_CHUNK = 65_536
_PORT = 5432  # a part of the socket's name in libpq's convention


class Cut(StrEnum):
    NEVER = "never"
    BEFORE = "before"  # it does not arrive, and nothing is committed
    AFTER = "after"  # the server commits, its answer is lost
    LATE = "late"  # the line is lost while it is still on its way; it arrives later


class CuttingLine:
    """Listens on a Unix socket of its own and passes everything on. `cut` is what it does to the next commit, once; or, while
    `cut_in` is set, to what is sent after so many things more, over all its connections."""

    def __init__(self, dsn: str, folder: Path, *, late_s: float = 0.7) -> None:
        self._dsn, self._folder, self._late_s = urlsplit(dsn), folder, late_s
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self.cut = Cut.NEVER
        self.cut_in: int | None = None
        self.cuts = 0
        self.was_cut = asyncio.Event()
        self.late_arrived = asyncio.Event()

    @property
    def dsn(self) -> str:
        login = self._dsn.netloc.rpartition("@")[0]
        query = f"host={quote(str(self._folder), safe='/')}&port={_PORT}"
        return urlunsplit(self._dsn._replace(netloc=f"{login}@", query=query))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._accept, self._folder / f".s.PGSQL.{_PORT}")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        server_reader, server_writer = await self._reach()
        down = asyncio.create_task(_pass_on(server_reader, writer))
        try:
            await self._pass_up(reader, writer, server_writer, down)
        finally:
            down.cancel()
            for end in (writer, server_writer):
                end.close()
            self._lines.discard(line)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = parse_qs(self._dsn.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{_PORT}")
        return await asyncio.open_connection(self._dsn.hostname, self._dsn.port or _PORT)

    async def _pass_up(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        down: asyncio.Task[None],
    ) -> None:
        commits = _Commits()
        while chunk := await reader.read(_CHUNK):
            if self._is_due(is_commit=commits.are_asked_in(chunk)):
                await self._cut_now(chunk, writer, server, down)
                return
            server.write(chunk)
            await server.drain()

    def _is_due(self, *, is_commit: bool) -> bool:
        if self.cut is Cut.NEVER:
            return False
        if self.cut_in is None:
            return is_commit
        self.cut_in -= 1
        return self.cut_in < 0

    async def _cut_now(
        self, chunk: bytes, writer: asyncio.StreamWriter, server: asyncio.StreamWriter, down: asyncio.Task[None]
    ) -> None:
        how, self.cut, self.cut_in = self.cut, Cut.NEVER, None
        self.cuts += 1
        self.was_cut.set()
        down.cancel()
        if how is Cut.AFTER:
            server.write(chunk)
            await server.drain()
            await asyncio.sleep(0.1)  # for the server to finish; the line counts as cut only then
        writer.transport.abort()
        if how is Cut.LATE:
            await asyncio.sleep(self._late_s)
            server.write(chunk)
            await server.drain()
            await asyncio.sleep(0.1)  # for the server to finish
            self.late_arrived.set()


class _Commits:
    """Follows what the client of one connection sends."""

    def __init__(self) -> None:
        self._is_open = False  # between BEGIN and COMMIT
        self._batches: set[bytes] = set()  # names of statements that write a batch

    def are_asked_in(self, chunk: bytes) -> bool:
        if chunk.endswith(_BEGIN):
            self._is_open = True
        elif chunk.endswith(_COMMIT):
            self._is_open = False
            return True
        words = chunk[_MESSAGE_HEAD:].split(b"\0", 2)
        if chunk.startswith(b"P") and _BATCH in words[1]:
            self._batches.add(words[0])
        return chunk.startswith(b"B") and not self._is_open and words[1] in self._batches


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
