"""A provider that passes questions on to a real node and, where it is told to, answers something else."""

from collections.abc import Callable
from typing import Any

from aiohttp import ClientSession, web

from node.processes import free_port

Alter = Callable[[list[Any], Any], Any]
"""From a call's parameters and its true result to the result that is told."""


class Refusal(Exception):
    """Raised by an `Alter`: the answer is this JSON-RPC error object."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class LyingNode:
    """`lies` by method; `told` counts how often each lie was told, so that a test can prove that its fault fired."""

    def __init__(self, truth_url: str) -> None:
        self.lies: dict[str, Alter] = {}
        self.told: dict[str, int] = {}
        self.truth_url = truth_url
        self._port = free_port()
        self._runner: web.AppRunner | None = None
        self._http: ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        self._http = ClientSession()
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    async def _answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if isinstance(asked, dict):
            return web.json_response(await self._one(asked))
        return web.json_response([await self._one(call) for call in asked])

    async def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        assert self._http is not None
        async with self._http.post(self.truth_url, json=call) as response:
            truth: dict[str, Any] = await response.json()
        alter = self.lies.get(call["method"])
        if alter is None:
            return truth
        self.told[call["method"]] = self.told.get(call["method"], 0) + 1
        try:
            return {"jsonrpc": "2.0", "id": call["id"], "result": alter(call["params"], truth.get("result"))}
        except Refusal as refusal:
            error = {"code": refusal.code, "message": refusal.message}
            return {"jsonrpc": "2.0", "id": call["id"], "error": error}
