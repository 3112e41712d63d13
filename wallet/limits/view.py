"""What is left of each limit now, and when more of it comes free."""

from wallet.context import Context
from wallet.ids import CustomerId
from wallet.journal.body import time_text
from wallet.limits.exits import NOTHING_USED, Used
from wallet.limits.windows import Bound, bounds_of, used_under
from wallet.money import format_units
from wallet.safeguards.read import Safeguards, safeguards_over


async def limits_view(context: Context, owner: CustomerId) -> list[dict[str, object]]:
    """One for each limit that binds this customer, a platform's included."""
    now, views = await context.journal_time(), []
    for guards in await safeguards_over(context, owner):
        for asset in sorted({*guards.rules.caps, *guards.limits}):
            bounds = [bound for by, caps in guards.caps(asset).items() for bound in bounds_of(caps, by)]
            used = await used_under(context, guards.owner, asset, bounds, now)
            views += [_view(context, guards, asset, bound, used.get(bound, NOTHING_USED)) for bound in bounds]
    return views


def _view(context: Context, guards: Safeguards, asset: str, bound: Bound, used: Used) -> dict[str, object]:
    decimals = context.asset(asset).decimals
    more_at = None if bound.window is None or used.first_at is None else used.first_at + bound.window
    return {
        "customer": guards.owner,
        "asset": asset,
        "limit": bound.name,
        "set_by": bound.by,
        "payments": bound.payments,
        "most": format_units(bound.most, decimals),
        "left": format_units(max(bound.most - used.units, 0), decimals),
        "more_at": None if more_at is None else time_text(more_at),
    }
