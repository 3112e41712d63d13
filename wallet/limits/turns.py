"""Who has limits queues in this process, so that many at once do not wear each other out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wallet.context import Context
from wallet.ids import CustomerId
from wallet.safeguards.read import safeguards_over
from wallet.turns import turn

_LIMITED = "limited"


@asynccontextmanager
async def turn_to_leave(context: Context, owner: CustomerId) -> AsyncIterator[None]:
    """Alone in this process with the rows that this owner's exits count on. Nothing rests on it, and so neither does anything
    on whether this process knows yet that there are limits."""
    known = context.recent.get(_LIMITED, owner)
    if known is None:
        known = await _look(context, owner)
    async with turn(known["owners"]):
        yield


async def _look(context: Context, owner: CustomerId) -> dict[str, tuple[str, ...]]:
    guards = await safeguards_over(context, owner)
    owners: tuple[str, ...] = tuple([one.owner for one in guards if one.rules.caps or one.limits])
    found = {"owners": owners}
    context.recent.keep(_LIMITED, owner, found)
    return found
