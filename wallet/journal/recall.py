"""Retries that are answered from memory, and decisions that are taken again when a row has changed under them."""

from collections.abc import Awaitable, Callable

from wallet.errors import Refusal, Stale, Unmetered
from wallet.journal.change import Change, Committed, Request
from wallet.journal.writer import Journal
from wallet.ports import NetworkError
from wallet.recent import RecentRows

ATTEMPTS_MAX = 20  # a decision that loses twenty races in a row is told to try later


async def repeatable(
    journal: Journal, request: Request, decide: Callable[[], Awaitable[Change]], recent: RecentRows | None = None
) -> Committed:
    """Decide and commit; decide again if stale, after dropping what went stale from `recent`. Whether a key still stands
    (`api_keys`) is for whoever admitted it to find out: raises that `Stale` at once; and `Unmetered`, for whoever decides to
    ask for limits.

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
            if stale.table == "api_keys" or isinstance(stale, Unmetered):
                raise
            if recent is not None:
                recent.drop(stale.table, stale.row_id)
            last = stale
    raise last
