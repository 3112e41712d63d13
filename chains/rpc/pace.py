"""Questions a second: who promised a provider to ask no more than so many keeps it, however much is waiting."""

import asyncio
from datetime import timedelta

SECOND_US = 1_000_000


class Pace:
    """At most `per_s` calls a second, after at most one second's worth at once. None: no bound."""

    def __init__(self, per_s: int | None) -> None:
        self._gap_us = divmod(SECOND_US, per_s)[0] if per_s is not None else 0
        self._free_us = 0

    async def turn(self, calls: int) -> None:
        """Returns when so many more may be asked. First come, first served."""
        if not self._gap_us:
            return
        now_us = int(asyncio.get_running_loop().time() * SECOND_US)
        begin_us = max(self._free_us, now_us - SECOND_US)
        self._free_us = begin_us + calls * self._gap_us
        if self._free_us > now_us:
            await asyncio.sleep(timedelta(microseconds=self._free_us - now_us).total_seconds())
