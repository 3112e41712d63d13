"""One loop: take the lease, do a step, wait; log what went wrong, wait longer, and go on."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import text

from wallet.context import Context
from wallet.errors import JournalUnavailable, OutcomeUnknown
from wallet.ports import NetworkError, SignerUnavailable

LEASE_S = 15  # a stopped process is replaced after it; a longer step may overlap with another's, which does no harm
BACKOFF_MAX_S = 30.0
_EXPECTED = (NetworkError, SignerUnavailable, JournalUnavailable, OutcomeUnknown)

_log = structlog.get_logger("workers")

_LEASE = text(
    "INSERT INTO leases (name, holder, expires) VALUES (:name, :holder, now() + make_interval(secs => :seconds))"
    " ON CONFLICT (name) DO UPDATE SET holder = :holder, expires = now() + make_interval(secs => :seconds)"
    " WHERE leases.holder = :holder OR leases.expires < now() RETURNING holder"
)


@dataclass(frozen=True, slots=True)
class Loop:
    """`step` is called every `every_s` while this process holds the lease `name`; database time decides who does. A loop that
    is `everywhere` needs none: it minds what each process keeps in memory."""

    name: str
    every_s: float
    step: Callable[[], Awaitable[None]]
    everywhere: bool = False


async def run_loop(context: Context, loop: Loop, holder: str) -> None:
    """For ever. A failed step is logged and tried again with growing pauses; it never ends the loop."""
    failures = 0
    while True:
        try:
            if loop.everywhere or await hold_lease(context, loop.name, holder):
                await loop.step()
            failures = 0
        except _EXPECTED as error:
            failures += 1
            _log.warning("step_waits", loop=loop.name, error=type(error).__name__, reason=str(error), failures=failures)
        except Exception as error:  # noqa: BLE001 (the loop outlives whatever a step does; style, rule 15)
            failures += 1
            _log.exception("step_failed", loop=loop.name, error=type(error).__name__, failures=failures)
        await asyncio.sleep(_pause_s(loop.every_s, failures))


async def hold_lease(context: Context, name: str, holder: str) -> bool:
    async with context.ops.begin() as connection:
        row = (await connection.execute(_LEASE, {"name": name, "holder": holder, "seconds": LEASE_S})).first()
    return row is not None


async def release_leases(context: Context, holder: str) -> None:
    """A clean stop lets the next process begin at once."""
    async with context.ops.begin() as connection:
        await connection.execute(text("DELETE FROM leases WHERE holder = :holder"), {"holder": holder})


def _pause_s(every_s: float, failures: int) -> float:
    """Exponential with jitter, so that a provider that comes back is not met by everybody at once."""
    if failures == 0:
        return every_s
    longest = min(every_s * 2 ** min(failures, 10), BACKOFF_MAX_S)
    return random.uniform(every_s, max(every_s, longest))  # noqa: S311 (no secret rests on it)
