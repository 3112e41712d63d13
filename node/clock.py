"""The clock of a running node."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """The machine's time in UTC. The Journal never goes back behind its head, whatever this says."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
