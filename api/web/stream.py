"""Pushing what has changed: the journal's head and the networks' heights are looked at each second, and fragments that
render differently than before are sent. One connection costs one small query a second."""

import asyncio
import json

from aiohttp import web
from aiohttp_sse import EventSourceResponse
from sqlalchemy import select

from api.settings import ApiSettings
from api.web.reading import read_live
from api.web.rendering import render_fragments
from api.web.session import admit_session
from wallet import schema
from wallet.context import Context

LOOK_EVERY_S = 1.0
STREAMS_MAX = 100  # open pages a process; more are told to come back


class Streams:
    """The open event streams of one application."""

    def __init__(self, context: Context, settings: ApiSettings, source_url: str, stopping: asyncio.Event) -> None:
        self._context, self._settings, self._source_url, self._stopping = context, settings, source_url, stopping
        self._open = 0

    @property
    def full(self) -> bool:
        return self._open >= STREAMS_MAX

    async def follow(self, request: web.Request, cookie: str | None) -> web.StreamResponse:
        """Sends until the page is closed, the session ends, or the node stops."""
        response = EventSourceResponse()
        await response.prepare(request)
        self._open += 1
        try:
            async with response:
                await self._push(response, cookie)
        finally:
            self._open -= 1
        return response

    async def _push(self, response: EventSourceResponse, cookie: str | None) -> None:
        seen: object = None
        sent: dict[str, str] = {}
        while response.is_connected() and not self._stopping.is_set():
            principal = await admit_session(self._context, self._settings, cookie)
            if principal is None:
                await response.send("", event="ended")
                return
            now = await self._fingerprint()
            if now != seen:
                live = await read_live(self._context, self._settings, principal, self._source_url)
                seen, fragments = now, render_fragments(live)
                for name, html in fragments.items():
                    if sent.get(name) != html:
                        await response.send(json.dumps({"id": name, "html": html}), event="fragment")
                sent = fragments
            await self._pause()

    async def _fingerprint(self) -> object:
        head = await self._context.one(select(schema.journal_head.c.seq, schema.journal_head.c.hash))
        table = schema.network_views
        views = await self._context.all(
            select(table.c.network, table.c.tip, table.c.final, table.c.error).order_by(table.c.network)
        )
        return head, views

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._stopping.wait()
        except TimeoutError:
            return
