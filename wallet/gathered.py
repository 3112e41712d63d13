"""Rows asked for one by one and read together: while one question is with the database, who asks next joins the following one.

What this prevents: a thousand requests that each ask who their key belongs to, each with a connection and a query of its own,
which costs the process more than all the rest of the request. An answer is never older than its question: what is joined
has not been sent yet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Fetch = Callable[[Sequence[str]], Awaitable[Mapping[str, Row]]]
"""The rows that there are, by the names that were asked for."""


class GatheredReads:
    """One kind of look-up. At most one question is under way, and as many wait for the next as there are requests."""

    __slots__ = ("_fetch", "_last", "_names", "_next")

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._names: set[str] = set()  # of the next question
        self._next: asyncio.Task[Mapping[str, Row]] | None = None
        self._last: asyncio.Task[Mapping[str, Row]] | None = None

    async def one(self, name: str) -> Row | None:
        """Raises what the database raises, to all who asked together."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask_after(self._last))
            self._last = self._next
        self._names.add(name)
        found = await asyncio.shield(self._next)  # one who goes away does not take the answer from the others
        return found.get(name)

    async def _ask_after(self, before: asyncio.Task[Mapping[str, Row]] | None) -> Mapping[str, Row]:
        if before is not None:
            await asyncio.wait([before])
        names, self._names, self._next = list(self._names), set(), None
        return await self._fetch(names)
