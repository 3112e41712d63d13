"""What the core asks of networks that show payments before they are in a block. Nothing of it is ever credited."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

from wallet.ports.arrivals import Incoming


class Departure(StrEnum):
    """Why a payment that was announced is announced no more."""

    REPLACED = "replaced"  # another tx with one of its inputs waits in its place
    CONFLICTED = "conflicted"  # another tx with one of its inputs is in a block
    DROPPED = "dropped"  # left the mempool, and may return


@runtime_checkable
class Announcing(Protocol):
    """What a network can tell besides that shows payments before they are in a block."""

    async def announced(self) -> Sequence[Incoming]:
        """All that waits now and pays addresses of ours, with `booked` False. It may take a while until it is complete."""

    async def departure(self, tx: str) -> Departure | None:
        """Why this tx waits no more; None while it waits, and when it is in a block."""
