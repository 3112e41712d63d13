"""The log's line for each request, written some at a time: one by one they cost a fifth of all that a request costs.

Logged are method, route, status, time, and the id of the API key. Never a query string, a header, a body or the text of
an exception: each may carry a secret or a person. A process that is killed loses the lines of its last moment, which decide
nothing; mistakes and warnings are written at once, elsewhere.
"""

import asyncio
from datetime import datetime

import msgspec
import structlog
from aiohttp import web

WRITE_EVERY_S = 0.1  # some hundred lines; soon enough for who follows the log
_encode_lines = msgspec.json.Encoder().encode_lines


class Line(msgspec.Struct, frozen=True, gc=False):
    """A request that was answered; `status` is 0 where its client was gone before. `timestamp` is of the answer."""

    request: str
    method: str
    route: str | None
    status: int
    elapsed_us: int
    key: str | None
    timestamp: datetime
    event: str = "request"
    level: str = "info"


class RequestLines:
    """They go where the log goes, to the logger that structlog is configured with."""

    def __init__(self) -> None:
        self._waiting: list[Line] = []

    def add(self, line: Line) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(WRITE_EVERY_S, self.write)
        self._waiting.append(line)

    def write(self) -> None:
        lines, self._waiting = self._waiting, []
        if lines:
            structlog.get_config()["logger_factory"]().msg(_encode_lines(lines).decode().removesuffix("\n"))

    async def close(self, _app: web.Application) -> None:
        """Writes what is left when the application ends."""
        self.write()
