"""Taking turns at a row that many decisions rest on, so that they wait for each other instead of racing: a busy order's hold,
a customer's limits.

Nothing rests on it: of Changes that were decided on the same state of a row the Journal accepts one, whoever decided
them. But each of the others is decided again, and two hundred at once would wear each other out. Another process is one
more racer, not two hundred.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # each is gone when nobody waits for it


@asynccontextmanager
async def turn(names: Iterable[str]) -> AsyncIterator[None]:
    """Alone in this process with these rows, taken in one order everywhere, so that no two wait for each other."""
    locks = [_locks.setdefault(name, asyncio.Lock()) for name in sorted(set(names))]
    async with AsyncExitStack() as stack:
        for lock in locks:
            await stack.enter_async_context(lock)
        yield
