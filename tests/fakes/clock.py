"""A clock that goes where a test puts it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class StillClock:
    """Stands still until it is put elsewhere, also back; sleeping takes no time."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        return
