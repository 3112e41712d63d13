"""Retries that are answered from memory, and decisions that are taken again when a row has changed under them."""

from collections.abc import Awaitable, Callable

from wallet.errors import Refusal, Stale
from wallet.journal.change import Change, Committed, Request
from wallet.journal.writer import Journal
from wallet.ports import NetworkError

ATTEMPTS_MAX = 20  # a decision that loses twenty races in a row is told to try later


async def repeatable(journal: Journal, request: Request, decide: Callable[[], Awaitable[Change]]) -> Committed:
    """Decide and commit; decide again if stale.

    What stops a decision before the Journal (an asset paused meanwhile, a network that gives no quote) must not contradict
    an earlier yes: what was answered under this key is looked up first, and repeated.
    """
    for _ in range(ATTEMPTS_MAX):
        try:
            change = await decide()
        except (Refusal, NetworkError):
            earlier = await journal.recall(request)
            if earlier is not None:
                return earlier
            raise
        try:
            return await journal.commit(change)
        except Stale as stale:
            last = stale
    raise last
