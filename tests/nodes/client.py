"""A client of a node that is stopped and started again: it repeats itself until it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp

from node.processes import attempts

ANSWER_WITHIN_S = 90.0  # more than a restart takes
ANSWER_EVERY_S = 0.2
ONE_TRY_S = 20.0


class NeverAnswered(Exception):
    """A client repeated itself in vain."""


@dataclass(frozen=True, slots=True)
class Client:
    """One key's view of the node. It repeats a request under the same idempotency key until there is an answer."""

    http: aiohttp.ClientSession
    url: str
    secret: str = field(repr=False)

    async def insist(self, method: str, path: str, body: object = None, key: str | None = None) -> tuple[int, Any]:
        """Status and body of the first answer that says what became of it. Raises `NeverAnswered`."""
        headers = {"Authorization": f"Bearer {self.secret}", **({"Idempotency-Key": key} if key else {})}
        limit = aiohttp.ClientTimeout(total=ONE_TRY_S)
        async for _ in attempts(ANSWER_WITHIN_S, ANSWER_EVERY_S):
            try:
                async with self.http.request(
                    method, self.url + path, json=body, headers=headers, timeout=limit
                ) as answer:
                    said = await answer.json(content_type=None)
                    if answer.status < 500 and answer.status != 429:
                        return answer.status, said
            except (aiohttp.ClientError, TimeoutError):
                continue
        raise NeverAnswered(f"{method} {path}")

    async def make(self, path: str, body: Mapping[str, object], key: str) -> Any:
        status, made = await self.insist("POST", path, body, key)
        assert status < 300, (path, status, made)
        return made

    async def available(self) -> dict[str, Decimal]:
        _, said = await self.insist("GET", "/v1/balances")
        return {balance["asset"]: Decimal(balance["available"]) for balance in said["items"]}
