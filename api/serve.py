"""Serving the application with the limits that it relies on, and with silence about what is not even HTTP.

What this prevents: a server that answers a broken request with its own name and version, and that writes the broken
line, which may be an `Authorization` header, into a log.
"""

import asyncio
import json
import logging

import structlog
from aiohttp import web

from api.errors import MEDIA_TYPE, Problem
from api.headers import SAFE_HEADERS

HEADER_BYTES_MAX = 8_190  # also the request line; an API key and a cursor take 500
KEEPALIVE_S = 30
SHUTDOWN_S = 10  # for answers under way; streams end at once
_SILENT = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 (outside the tree: nothing can wake it)
_log = structlog.get_logger("api")


async def start_server(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listens when it returns; `await runner.cleanup()` stops. Raises `OSError` if the address cannot be had.

    A client that goes away cancels nothing: what it asked for is done or not, as a whole.
    """
    runner = web.AppRunner(app, handler_cancellation=False, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await _Site(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


class _Site(web.BaseSite):
    """A listening address whose connections are ours."""

    __slots__ = ("_host", "_port")

    def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
        super().__init__(runner)
        self._host, self._port = host, port

    @property
    def name(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        await super().start()
        loop, manager = asyncio.get_running_loop(), self._runner.server
        assert manager is not None
        self._server = await loop.create_server(
            lambda: _Connection(
                manager,
                loop=loop,
                access_log=_SILENT,
                auto_decompress=False,  # a small body could become a large one
                keepalive_timeout=KEEPALIVE_S,
                max_line_size=HEADER_BYTES_MAX,
                max_field_size=HEADER_BYTES_MAX,
            ),
            self._host,
            self._port,
        )


class _Connection(web.RequestHandler):
    """Answers what is not HTTP with a problem document, and logs the kind of mistake instead of its bytes."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 (aiohttp's own words, which repeat the request)
    ) -> web.StreamResponse:
        _log.warning("request_malformed", status=status, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        problem = (
            Problem("invalid_request", "this is not well-formed HTTP") if status < 500 else Problem("internal_error")
        )
        text = json.dumps(problem.content())
        response = web.Response(status=problem.status, text=text, content_type=MEDIA_TYPE, headers=SAFE_HEADERS)
        response.force_close()
        return response

    def log_exception(self, *_args: object, **named: object) -> None:
        _log.error("connection_failed", error=type(named.get("exc_info")).__name__)
