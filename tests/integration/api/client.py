"""A client for tests: sends exactly what it is told, and keeps status, headers and body of the answer."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from api.app import make_app
from api.serve import start_server
from api.settings import ApiSettings, BankDetails
from node.processes import free_port
from wallet.context import Context

SETTINGS = ApiSettings(
    cursor_key=b"c" * 32,
    digest_key=b"d" * 32,
    version="0.0.0-test",
    mode="dev",
    bank_details={"sepa": BankDetails("DE89370400440532013000", "COBADEFFXXX", "Coffer Test")},
)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str | None:
        """The error's code, if this is a problem document."""
        is_problem = self.headers.get("Content-Type", "").startswith("application/problem+json")
        return self.body["code"] if is_problem else None


@dataclass(frozen=True, slots=True)
class Client:
    url: str
    session: aiohttp.ClientSession
    secret: str | None = None

    def as_(self, secret: str | None) -> "Client":
        return Client(self.url, self.session, secret)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, headers=headers)

    async def post(self, path: str, content: object = None, key: str | None = None) -> Reply:
        return await self.send("POST", path, content=content, key=key)

    async def put(self, path: str, content: object) -> Reply:
        return await self.send("PUT", path, content=content)

    async def delete(self, path: str) -> Reply:
        return await self.send("DELETE", path)

    async def send(
        self,
        method: str,
        path: str,
        *,
        content: object = None,
        raw: bytes | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """`content` is sent as JSON; `raw` as it is, called JSON unless `headers` say otherwise."""
        sent = dict(headers or {})
        body = raw if content is None else json.dumps(content).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if self.secret is not None:
            sent.setdefault("Authorization", f"Bearer {self.secret}")
        if key is not None:
            sent["Idempotency-Key"] = key
        options: dict[str, Any] = {"headers": sent, "data": body, "allow_redirects": False}
        async with self.session.request(method, self.url + path, **options) as answer:
            return Reply(answer.status, answer.headers, await answer.read())


@asynccontextmanager
async def serving(context: Context, settings: ApiSettings = SETTINGS) -> AsyncIterator[Client]:
    """The real application on a loopback port."""
    port = free_port()
    runner = await start_server(make_app(context, settings), "127.0.0.1", port)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Client(f"http://127.0.0.1:{port}", session)
    await runner.cleanup()


async def balance(client: Client, symbol: str) -> dict[str, str]:
    """Posted, held and available of one asset."""
    items = (await client.get("/v1/balances")).body["items"]
    (found,) = [item for item in items if item["asset"] == symbol]
    return {name: found[name] for name in ("posted", "held", "available")}


def shown(accepted: dict[str, Any]) -> dict[str, Any]:
    """What is shown later of an answer that came with a receipt."""
    return {name: value for name, value in accepted.items() if name != "receipt"}
