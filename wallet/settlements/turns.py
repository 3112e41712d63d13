"""Taking turns at a hold, so that fills of one busy order wait for each other instead of racing.

Nothing rests on it: of Changes that were decided on the same state of a hold the Journal accepts one, whoever decided
them. But each of the others is decided again, and two hundred at once would wear each other out. Another process is one
more racer, not two hundred.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from wallet.ids import HoldId

_locks: WeakValueDictionary[HoldId, asyncio.Lock] = WeakValueDictionary()  # each is gone when nobody waits for it


@asynccontextmanager
async def turn(holds: Iterable[HoldId]) -> AsyncIterator[None]:
    """Alone in this process with these holds, taken in one order everywhere, so that no two wait for each other."""
    locks = [_locks.setdefault(hold, asyncio.Lock()) for hold in sorted(set(holds))]
    async with AsyncExitStack() as stack:
        for lock in locks:
            await stack.enter_async_context(lock)
        yield
