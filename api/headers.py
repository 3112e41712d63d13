"""The head of every answer: a request id, headers that keep browsers from guessing, and, for plain answers, all of it ready."""

import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter

REQUEST_ID = web.RequestKey("request_id", str)
SAFE_HEADERS = {
    "Server": "Coffer",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
API_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_READY = "".join([f"{name}: {value}\r\n" for name, value in (SAFE_HEADERS | API_HEADERS).items()])


async def add_safe_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Runs just before the headers leave, streams included; a `PlainAnswer` has them already."""
    response.headers.update(SAFE_HEADERS)
    for name, value in API_HEADERS.items():
        response.headers.setdefault(name, value)
    if (request_id := request.get(REQUEST_ID)) is not None:
        response.headers["X-Request-Id"] = request_id


class PlainAnswer(web.StreamResponse):
    """A whole body of JSON, sent with its head in one write. What other answers look up, merge and sort header by header,
    these say as it stands, which is a tenth of all that a request costs."""

    def __init__(self, body: bytes, status: int, own: dict[str, str]) -> None:
        """`own` are headers beyond those of all answers; names and values of ours, never a client's."""
        super().__init__(status=status)
        self._plain, self._own, self._stays_open = body, own, True

    @property
    def keep_alive(self) -> bool:
        return self._stays_open

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self._stays_open = request.keep_alive
        if not self._stays_open:
            self._own["Connection"] = "close"
        elif request.version == HttpVersion10:
            self._own["Connection"] = "keep-alive"
        own = "".join([f"{name}: {value}\r\n" for name, value in self._own.items()])
        head = (
            f"HTTP/1.1 {self.status} {self.reason}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(self._plain)}\r\nDate: {_date_text(int(time.time()))}\r\n{_READY}{own}"
            f"X-Request-Id: {request[REQUEST_ID]}\r\n\r\n"
        )
        await request.writer.write_eof(head.encode("ascii") + self._plain)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Everything has been sent."""


@lru_cache(maxsize=2)
def _date_text(at_s: int) -> str:
    return formatdate(at_s, usegmt=True)
