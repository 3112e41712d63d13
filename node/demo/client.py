"""The node's API as anybody uses it: HTTP, a key, JSON."""

import secrets
from collections.abc import Mapping
from typing import Any, Self

import aiohttp


class ApiRefused(Exception):
    """The node said no; the problem's code and detail."""


class ApiClient:
    """One key's view of the node."""

    def __init__(self, http: aiohttp.ClientSession, url: str, secret: str) -> None:
        self._http, self.url, self.secret = http, url, secret

    def with_key(self, secret: str) -> Self:
        return type(self)(self._http, self.url, secret)

    async def get(self, path: str) -> Any:
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Under a fresh idempotency key: the tour never repeats itself."""
        return await self._ask("POST", path, body)

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        headers = {"Authorization": f"Bearer {self.secret}"}
        if body is not None:
            headers["Idempotency-Key"] = secrets.token_hex(16)
        async with self._http.request(method, self.url + path, json=body, headers=headers) as response:
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise ApiRefused(f"{method} {path}: {response.status} {answer.get('code')}: {answer.get('detail')}")
            return answer
