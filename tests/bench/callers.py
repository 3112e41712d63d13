"""Many callers who each wait for their answer before they ask again, as the requests of an API do."""

import asyncio
import random
from dataclasses import dataclass, field
from time import perf_counter, process_time

from tests.bench.payments import Payments
from wallet.errors import InsufficientFunds
from wallet.journal import Change, Journal

REPLAYED_SHARE = 0.01  # retries of a payment that was accepted
REFUSED_SHARE = 0.01  # payments that the balance does not cover
TICK_S = 0.002  # payments due within it are sent together: timers are no finer


class WrongAnswer(Exception):
    """The Journal answered something that this load does not allow: the figures would mean nothing."""


class NothingAnswered(Exception):
    """A slice was over before its first answer came."""

    def __init__(self) -> None:
        super().__init__("nothing was answered within the slice: the machine is busy, or the slice too short")


@dataclass(slots=True)
class Slice:
    """What was answered within the time. `latencies_s` has every answer: accepted, replayed and refused."""

    waiting: int
    seconds: int
    accepted: int = 0
    replayed: int = 0
    refused: int = 0
    cpu_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        """Accepted payments only; replays and refusals are work on top."""
        return self.accepted / self.seconds

    def figures(self) -> dict[str, float]:
        """`python_cpu` is the share of one core that this process used, the callers' own work included."""
        ordered = sorted(self.latencies_s)
        return {
            "waiting": self.waiting,
            "per_s": self.per_s,
            "p50_ms": _at(ordered, 50) * 1000,
            "p99_ms": _at(ordered, 99) * 1000,
            "replayed_per_s": self.replayed / self.seconds,
            "refused_per_s": self.refused / self.seconds,
            "python_cpu": self.cpu_s / self.seconds,
        }

    def told(self) -> str:
        found = self.figures()
        return f"{found['per_s']:8,.0f}/s  p50 {found['p50_ms']:.1f} ms  p99 {found['p99_ms']:.1f} ms"


def _at(ordered: list[float], percent: int) -> float:
    if not ordered:
        raise NothingAnswered
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


async def run_callers(journal: Journal, payments: Payments, waiting: int, seconds: int) -> Slice:
    """So many callers for so long. What is answered later than that is waited for and not counted."""
    found = Slice(waiting, seconds)
    spent_s, deadline = process_time(), perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        for _ in range(waiting):
            group.create_task(_call_until(journal, payments, deadline, found))
    found.cpu_s = process_time() - spent_s
    return found


async def run_at_rate(journal: Journal, payments: Payments, per_s: int, seconds: int) -> Slice:
    """An open loop: so many payments a second come evenly, and wait for nobody. `waiting` tells the rate."""
    found = Slice(per_s, seconds)
    spent_s, started = process_time(), perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(per_s * seconds):
            due = started + number / per_s
            if (early := due - perf_counter()) > TICK_S:
                await asyncio.sleep(early)
            group.create_task(_pay_once(journal, payments.payment(), due, found))
    found.cpu_s = process_time() - spent_s
    return found


async def _pay_once(journal: Journal, change: Change, due: float, found: Slice) -> None:
    """The time counts from when the payment was due, so that a stall is felt by all who come during it."""
    await _accepted(journal, change)
    found.accepted += 1
    found.latencies_s.append(perf_counter() - due)


async def _call_until(journal: Journal, payments: Payments, deadline: float, found: Slice) -> None:
    accepted: Change | None = None
    while (asked := perf_counter()) < deadline:
        dice = random.random()
        if dice < REFUSED_SHARE:
            counted = await _refused(journal, payments.uncovered())
        elif dice < REFUSED_SHARE + REPLAYED_SHARE and accepted is not None:
            counted = await _replayed(journal, accepted)
        else:
            accepted = payments.payment()
            counted = await _accepted(journal, accepted)
        answered = perf_counter()
        if answered <= deadline:
            setattr(found, counted, getattr(found, counted) + 1)
            found.latencies_s.append(answered - asked)


async def _accepted(journal: Journal, change: Change) -> str:
    if (await journal.commit(change)).replayed:
        raise WrongAnswer("a first request was answered as a retry")
    return "accepted"


async def _replayed(journal: Journal, change: Change) -> str:
    if not (await journal.commit(change)).replayed:
        raise WrongAnswer("a retry was paid a second time")
    return "replayed"


async def _refused(journal: Journal, change: Change) -> str:
    try:
        await journal.commit(change)
    except InsufficientFunds:
        return "refused"
    raise WrongAnswer("a payment without cover was accepted")
