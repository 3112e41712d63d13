"""Answers that are sent while they are made: flat memory, at the pace of whoever reads.

What this prevents: a reader that does not read and keeps what waits for it in memory (writing waits for the reader, for so
long); a beginning that looks like a whole (the last chunk's mark is sent when everything was, else the connection is cut);
and one asker who takes all there is.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from aiohttp import web

from api.errors import RETRY_AFTER_S, Problem

STREAMS_MAX = 24  # a process; each holds a few megabytes
STREAMS_EACH_MAX = 3  # one asker; more are waiting on the same disk anyway
STALL_S = 60.0  # a reader who takes nothing for so long is gone
PACE_LEAST = (
    65_536  # bytes a second on the whole: who reads a little now and then would hold a place that others wait for
)

OPEN_STREAMS: web.AppKey[Counter[str]] = web.AppKey("open_streams", Counter)


def attachment(name: str | None) -> dict[str, str]:
    return {} if name is None else {"Content-Disposition": f'attachment; filename="{name}"'}


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in parts. Refusals and faults before the first part are answered as everywhere. `headers` may grow until the
    first part is there. What has an `ETag` is not made for whoever has it already (RFC 9110, If-None-Match)."""

    parts: AsyncGenerator[bytes, None]
    content_type: str
    name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


async def send_stream(request: web.Request, stream: Stream, asker: str, stopping: asyncio.Event) -> web.StreamResponse:
    """Sends until the end; cuts the connection where that is not reached. Raises `Problem`, and whatever making the first
    part raises."""
    tag = stream.headers.get("ETag")
    if tag is not None and tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=stream.headers)
    running = request.app[OPEN_STREAMS]
    if running.total() >= STREAMS_MAX or running[asker] >= STREAMS_EACH_MAX:
        raise Problem("unavailable", "too many files are being sent: try again", headers={"Retry-After": RETRY_AFTER_S})
    running[asker] += 1
    try:
        async with aclosing(stream.parts) as parts:
            first = await anext(parts, b"")
            response = web.StreamResponse(headers={**attachment(stream.name), **stream.headers})
            response.content_type, response.charset = stream.content_type, "utf-8"
            await response.prepare(request)
            await _send(request, response, first, parts, stopping)
            return response
    finally:
        running.subtract((asker,))
        if not running[asker]:
            del running[asker]


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    first: bytes,
    parts: AsyncIterator[bytes],
    stopping: asyncio.Event,
) -> None:
    """The status has been sent: there is no other answer than the rest of this one. What is raised is logged as everywhere,
    and nobody gets a problem in the middle of a file."""
    reader, whole = _Reader(response, stopping), False
    try:
        await reader.write(first)
        async for part in parts:
            await reader.write(part)
        await response.write_eof()
        whole = True
    finally:
        if not whole and request.transport is not None:
            request.transport.abort()


class _Reader:
    """Whoever an answer is sent to, with the time that we waited for them; when they wait for us it does not count."""

    def __init__(self, response: web.StreamResponse, stopping: asyncio.Event) -> None:
        self._response, self._stopping = response, stopping
        self._waited_s: float = 0
        self._sent = 0

    async def write(self, part: bytes) -> None:
        """Raises `ConnectionError` when the node stops or the reader has gone, `TimeoutError` when it takes too little."""
        if self._stopping.is_set():
            raise ConnectionError("the node stops")
        loop = asyncio.get_running_loop()
        before = loop.time()
        async with asyncio.timeout(STALL_S):
            await self._response.write(part)
        self._waited_s += loop.time() - before
        self._sent += len(part)
        if self._waited_s > STALL_S and self._sent < (self._waited_s - STALL_S) * PACE_LEAST:
            raise TimeoutError("the reader is too slow")
