"""What is left of each limit now, and when more of it comes free."""

from datetime import datetime

from wallet.context import Context
from wallet.ids import CustomerId
from wallet.journal.body import time_text
from wallet.limits.exits import exits_since
from wallet.limits.windows import Bound, bounds_of
from wallet.money import format_units
from wallet.safeguards.read import Safeguards, safeguards_over


async def limits_view(context: Context, owner: CustomerId) -> list[dict[str, object]]:
    """One for each limit that binds this customer, a platform's included."""
    now = await context.journal_time()
    return [
        await _one(context, guards, asset, bound, now)
        for guards in await safeguards_over(context, owner)
        for asset in sorted({*guards.rules.caps, *guards.limits})
        for by, caps in guards.caps(asset).items()
        for bound in bounds_of(caps, by)
    ]


async def _one(context: Context, guards: Safeguards, asset: str, bound: Bound, now: datetime) -> dict[str, object]:
    decimals = context.asset(asset).decimals
    left, frees_at = bound.most, None
    if bound.window is not None:
        exits = await exits_since(context, guards.owner, asset, now - bound.window, payments=bound.payments)
        left = max(bound.most - sum(one.units for one in exits), 0)
        frees_at = exits[0].at + bound.window if exits else None
    return {
        "customer": guards.owner,
        "asset": asset,
        "limit": bound.name,
        "set_by": bound.by,
        "payments": bound.payments,
        "most": format_units(bound.most, decimals),
        "left": format_units(left, decimals),
        "more_at": None if frees_at is None else time_text(frees_at),
    }
