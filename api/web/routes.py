"""What the page offers. It reads; nothing here can change anything."""

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs

from aiohttp import web

from api.json_body import read_bytes
from api.settings import ApiSettings
from api.v1.node import SOURCE_PATH
from api.web.reading import read_live
from api.web.rendering import render_page, render_sign_in
from api.web.session import COOKIE, SESSION_S, admit_secret, admit_session, seal_session
from api.web.stream import Streams
from wallet.access.keys import Principal
from wallet.context import Context

STATIC = {"live.css": "text/css", "live.js": "text/javascript", "mark.svg": "image/svg+xml"}
FORM_BYTES_MAX = 1_024
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_page(app: web.Application, context: Context, settings: ApiSettings, stopping: asyncio.Event) -> frozenset[str]:
    """Adds the page's routes; returns their paths. They guard themselves by the session."""
    page = _LivePage(context, settings, stopping)
    routes: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/", page.go_to_live),
        ("GET", "/live", page.show),
        ("POST", "/live", page.sign_in),
        ("GET", "/live/events", page.follow),
        ("GET", "/live/static/{name}", page.static),
    )
    for method, path, handler in routes:
        app.router.add_route(method, path, handler)
    return frozenset(path for _, path, _ in routes)


class _LivePage:
    def __init__(self, context: Context, settings: ApiSettings, stopping: asyncio.Event) -> None:
        self._context, self._settings = context, settings
        self._source_url = settings.source_url or SOURCE_PATH
        self._streams = Streams(context, settings, self._source_url, stopping)

    async def go_to_live(self, _request: web.Request) -> web.Response:
        return _redirect()

    async def show(self, request: web.Request) -> web.Response:
        """The page; with `?token=` the session begins, and the token leaves the address bar."""
        secret = request.query.get("token")
        if secret is not None:
            return await self._begin(secret)
        principal = await self._principal(request)
        if principal is None:
            return _html(render_sign_in(_address("live.css"), refused=False), status=401)
        live = await read_live(self._context, self._settings, principal, self._source_url)
        return _html(render_page(live, _address("live.css"), _address("live.js")))

    async def sign_in(self, request: web.Request) -> web.Response:
        """The same by a form, for those who have the key but no link."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return _html(render_sign_in(_address("live.css"), refused=True), status=403)
        raw = await read_bytes(request, FORM_BYTES_MAX)
        sent = parse_qs(raw.decode("ascii", errors="replace")).get("token", [""])
        return await self._begin(sent[0].strip())

    async def follow(self, request: web.Request) -> web.StreamResponse:
        if await self._principal(request) is None:
            return web.Response(status=401)
        if self._streams.full:
            return web.Response(status=503, headers={"Retry-After": "10"})
        return await self._streams.follow(request, request.cookies.get(COOKIE))

    async def static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in STATIC:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return web.Response(body=_static(name), content_type=STATIC[name], charset="utf-8", headers=headers)

    async def _begin(self, secret: str) -> web.Response:
        principal = await admit_secret(self._context, secret)
        if principal is None:
            return _html(render_sign_in(_address("live.css"), refused=True), status=401)
        response = _redirect()
        response.set_cookie(
            COOKIE,
            seal_session(self._settings, principal, self._context.clock.now()),
            max_age=SESSION_S,
            path="/live",
            httponly=True,
            samesite="Strict",
            secure=self._settings.secure_cookies,
        )
        return response

    async def _principal(self, request: web.Request) -> Principal | None:
        return await admit_session(self._context, self._settings, request.cookies.get(COOKIE))


def _redirect() -> web.Response:
    return web.Response(status=303, headers={"Location": "/live"})


def _html(text: str, status: int = 200) -> web.Response:
    headers = {"Content-Security-Policy": PAGE_POLICY}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


@functools.cache
def _static(name: str) -> bytes:
    return (Path(__file__).parent / "static" / name).read_bytes()


def _address(name: str) -> str:
    """With the content's hash, so that browsers may keep it for ever and still get a new one."""
    return f"/live/static/{name}?v={hashlib.sha256(_static(name)).hexdigest()[:12]}"
