"""Give back what platforms have held when its time is over."""

from wallet.context import Context
from wallet.holds.release import EXPIRED_AT_ONCE, expire_holds


async def expire_due_holds(context: Context) -> None:
    """All that are due, a bounded number at a time."""
    while await expire_holds(context) == EXPIRED_AT_ONCE:
        pass
