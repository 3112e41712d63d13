"""Whether a provider is asked: one that failed several times in a row is left alone for a while, then tried once.

What this prevents: everybody waiting for a provider that is down, and a herd of questions when it comes back. One question
goes first; only its answer lets the others through. The pauses grow and are uneven, so that nodes do not come back together.
"""

import random
from collections.abc import Callable
from typing import Final

from wallet.ports import NetworkError, NetworkRateLimited, NetworkUnreachable
from wallet.ports.providers import CircuitState

FAILURES_MAX: Final = 5  # in a row, before it is left alone: a restart of a node costs fewer
PAUSE_LEAST_MS: Final = 1_000
PAUSE_MAX_MS: Final = 15_000
ASKED_PAUSE_MAX_MS: Final = 120_000  # of what a provider itself asks for


class Circuit:
    """Of one provider. `now_ms` is any clock that only goes forward; `between` draws the uneven part of a pause."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        failures_max: int = FAILURES_MAX,
        between: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._now_ms = now_ms
        self._failures_max = failures_max
        self._between = between
        self._failures = 0
        self._closed_again_ms: int | None = None
        self._trying = False
        self._asked_to_wait = False

    @property
    def state(self) -> CircuitState:
        if self._closed_again_ms is None:
            return CircuitState.CLOSED
        return CircuitState.TRYING if self._trying else CircuitState.OPEN

    def enter(self, host: str) -> None:
        """Before each question. Raises `NetworkUnreachable` (`NetworkRateLimited` where the provider asked for a pause)
        while it is not to be asked; its outcome is then told to nobody."""
        if self._closed_again_ms is None:
            return
        left_ms = self._closed_again_ms - self._now_ms()
        if left_ms > 0 or self._trying:
            raise self._refusal(host, max(left_ms, 0))
        self._trying = True

    def answered(self) -> None:
        self._failures, self._closed_again_ms = 0, None
        self._trying = self._asked_to_wait = False

    def failed(self, asked_pause_ms: int | None = None) -> None:
        """No answer. `asked_pause_ms`: the provider answered that we are to come back later, so many milliseconds if it
        named any."""
        self._failures += 1
        self._trying = False
        self._asked_to_wait = asked_pause_ms is not None
        if asked_pause_ms is None and self._failures < self._failures_max:
            return
        longest = min(PAUSE_LEAST_MS << min(self._failures - 1, 10), PAUSE_MAX_MS)
        if asked_pause_ms is None:
            longest = min(PAUSE_LEAST_MS << min(self._failures - self._failures_max, 10), PAUSE_MAX_MS)
        pause_ms = self._between(longest >> 1, longest)
        self._closed_again_ms = self._now_ms() + max(pause_ms, min(asked_pause_ms or 0, ASKED_PAUSE_MAX_MS))

    def _refusal(self, host: str, left_ms: int) -> NetworkError:
        kind = NetworkRateLimited if self._asked_to_wait else NetworkUnreachable
        return kind(f"{host}: not asked for another {left_ms} ms after {self._failures} failures in a row")
