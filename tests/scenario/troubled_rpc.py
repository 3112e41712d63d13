"""A way to a node that loses answers: it stands between the adapter and the node, and the node does what it was asked."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from enum import StrEnum

import aiohttp
from aiohttp import web

from node.devnet.anvil import Anvil
from node.devnet.bitcoind import Bitcoind
from node.processes import free_port


class Trouble(StrEnum):
    GATEWAY_TIMEOUT = "gateway_timeout"
    CLOSED = "closed"


@dataclass(slots=True)
class TroubledRpc:
    """The next `left` requests that name one of `methods` get no answer, `trouble` instead. Unless `swallows`, the node is
    asked all the same. `lost` counts what was not answered, by method."""

    url: str
    port: int
    trouble: Trouble = Trouble.GATEWAY_TIMEOUT
    methods: frozenset[str] = frozenset()
    left: int = 0
    swallows: bool = False
    lost: Counter[str] = field(default_factory=Counter)
    sent: list[str] = field(default_factory=list)

    def lose(self, methods: Collection[str], times: int, *, swallows: bool = False) -> None:
        self.methods, self.left, self.swallows = frozenset(methods), times, swallows

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        self.sent += [call["params"][0] for call in calls if "sendraw" in call["method"].lower()]
        troubled = [call["method"] for call in calls if call["method"] in self.methods]
        if not troubled or not self.left:
            return await self._forward(request, body)
        self.left -= 1
        self.lost.update(troubled)
        if not self.swallows:
            await self._forward(request, body)
        if self.trouble is Trouble.CLOSED and request.transport is not None:
            request.transport.close()
        return web.Response(status=504)

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + request.path, data=body, headers=headers) as response,
        ):
            return web.Response(status=response.status, body=await response.read(), content_type="application/json")


@asynccontextmanager
async def troubled(url: str) -> AsyncIterator[TroubledRpc]:
    """Listens on the loopback interface as long as the block runs."""
    rpc = TroubledRpc(url, free_port())
    app = web.Application()
    app.router.add_post("/{rest:.*}", rpc.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", rpc.port).start()
        yield rpc
    finally:
        await runner.cleanup()


def anvil_behind(anvil: Anvil, rpc: TroubledRpc) -> Anvil:
    """The same chain as a configuration sees it that names `rpc`."""
    seen = copy(anvil)
    seen.port = rpc.port
    return seen


def bitcoind_behind(bitcoind: Bitcoind, rpc: TroubledRpc) -> Bitcoind:
    seen = copy(bitcoind)
    seen.port = rpc.port
    return seen
