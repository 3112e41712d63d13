"""Filling the books with payments, through the Journal like everything else, with progress told."""

import asyncio
from collections.abc import Callable, Sequence

from tests.bench.payments import Payments
from wallet.journal import Journal

WAITING = 2_000  # payments that wait at once
TOLD_TIMES = 10

Say = Callable[[str], None]


async def fill(journal: Journal, kinds: Sequence[Payments], payments: int, say: Say, waiting: int = WAITING) -> None:
    """So many payments more, by turns of each kind, so many of them `waiting` at once. Returns when all are durable."""
    left, told_every = iter(range(payments)), max(payments // TOLD_TIMES, 1)

    async def pay() -> None:
        for number in left:
            await journal.commit(kinds[number % len(kinds)].payment())
            if (number + 1) % told_every == 0:
                say(f"filled {number + 1:,} of {payments:,}")

    await asyncio.gather(*(pay() for _ in range(min(waiting, payments))))
