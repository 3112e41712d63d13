"""What waits for the writer, in two bounded lanes: people who wait for an answer go before work that comes by the thousand."""

import asyncio
from collections import deque
from enum import Enum
from typing import Generic, TypeVar

QUEUE_MAX = 20_000  # waiting in one lane; beyond it callers are told at once that nothing was written
BATCH_MAX = 1_000  # in one transaction: of 2,000 each cost half as much again, measured, for they leave the caches
HALVED_FROM = 50  # fewer are one batch: what each transaction costs by itself would weigh more than the overlap gains
BULK_BESIDE = 500  # of the bulk lane in a transaction in which somebody interactive waits: some tens of milliseconds
BULK_SHARE = 10  # one place in so many is bulk's while it waits, however many people do: slow then, and never stands

Item = TypeVar("Item")


class Lane(Enum):
    """`INTERACTIVE` is for one request of a person or a worker's step; `BULK` for batches, which share what room is left."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class Lanes(Generic[Item]):
    """Order is kept within a lane."""

    def __init__(self) -> None:
        self._waiting: dict[Lane, deque[Item]] = {lane: deque() for lane in Lane}
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def is_full(self, lane: Lane) -> bool:
        return len(self._waiting[lane]) >= QUEUE_MAX

    def put(self, item: Item, lane: Lane) -> None:
        self._waiting[lane].append(item)
        self._arrived.set()

    def wake(self) -> None:
        """Let `arrived` return though nothing may have."""
        self._arrived.set()

    async def arrived(self) -> None:
        await self._arrived.wait()

    def take(self, under_way: int = 0) -> list[Item]:
        """The next batch: what is interactive, and as much bulk as fits beside it, a little in any case. Of many no more than
        half of all that is waiting or `under_way`: so one half is judged while the other is committed, instead of one doing
        nothing."""
        return self._take(min(max((len(self) + under_way + 1) // 2, HALVED_FROM), BATCH_MAX))

    def take_all(self) -> list[Item]:
        """The next batch where none may be judged beside it: halves would only lock the head twice."""
        return self._take(BATCH_MAX)

    def empty(self) -> list[Item]:
        """All that waits, for an end that answers nobody as they hoped."""
        return self._take(len(self), beside=len(self))

    def _take(self, limit: int, beside: int = BULK_BESIDE) -> list[Item]:
        people, bulk = self._waiting[Lane.INTERACTIVE], self._waiting[Lane.BULK]
        kept = min(len(bulk), limit // BULK_SHARE)
        taken = [people.popleft() for _ in range(min(len(people), limit - kept))]
        room = min(beside, limit - len(taken)) if taken else limit
        taken += [bulk.popleft() for _ in range(min(len(bulk), room))]
        if not len(self):
            self._arrived.clear()
        return taken
