"""Several questions under way at once, their answers in the order in which they were to be asked."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def in_order(questions: Iterable[Callable[[], Awaitable[T]]], at_once: int) -> AsyncGenerator[T, None]:
    """At most `at_once` are asked before their turn. An error comes in its turn; close it, and nothing goes on asking."""
    asked: deque[asyncio.Future[T]] = deque()
    try:
        for question in questions:
            asked.append(asyncio.ensure_future(question()))
            if len(asked) == at_once:
                yield await asked.popleft()
        while asked:
            yield await asked.popleft()
    finally:
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
