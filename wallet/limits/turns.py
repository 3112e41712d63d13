"""Who has limits queues in this process, so that many at once do not wear each other out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from wallet.context import Context
from wallet.ids import CustomerId
from wallet.safeguards.read import Safeguards, safeguards_over
from wallet.turns import turn

_LIMITED = "limited"


@asynccontextmanager
async def turn_to_leave(context: Context, owner: CustomerId) -> AsyncIterator[None]:
    """Alone in this process with the rows that this owner's exits count on. Nothing rests on it, and so neither does anything
    on whether this process knows yet that there are limits."""
    known = context.recent.get(_LIMITED, owner)
    owners = remember_limited(context, await safeguards_over(context, owner)) if known is None else known["owners"]
    async with turn(owners):
        yield


def remember_limited(context: Context, guards: Sequence[Safeguards]) -> tuple[str, ...]:
    """Of an owner's safeguards as they were just read: whose rows their exits count on."""
    owners: tuple[str, ...] = tuple([one.owner for one in guards if one.rules.caps or one.limits])
    context.recent.keep(_LIMITED, guards[0].owner, {"owners": owners})
    return owners
