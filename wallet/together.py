"""Independent acts at once, so that what they ask and write shares questions and batches."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def together(acts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of them, begun in order. When this returns or raises none is under way any more; the first error is raised."""
    for outcome in await asyncio.gather(*acts, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
