"""Limits that operators set for a customer. Beside the customer's own rules, which they never touch: the tighter one wins."""

from dataclasses import replace

from wallet.context import Context
from wallet.customers.create import find_customer
from wallet.errors import AlreadyExists, Stale
from wallet.ids import CustomerId
from wallet.journal.change import Committed, EventKind
from wallet.journal.recall import ATTEMPTS_MAX
from wallet.safeguards.change import changed
from wallet.safeguards.read import safeguards_of
from wallet.safeguards.rules import Caps
from wallet.safeguards.view import safeguards_view

REASON_MAX = 200


async def set_operator_limits(
    context: Context, actor: str, name: str, asset: str, caps: Caps, reason: str
) -> Committed:
    """From the commit on; empty caps lift them. The reason goes on record with whoever set it. Raises `NotFound`."""
    owner = CustomerId((await find_customer(context, name))["id"])
    context.asset(asset)
    for _ in range(ATTEMPTS_MAX):
        now = await safeguards_of(context, owner)
        others = {symbol: one for symbol, one in now.limits.items() if symbol != asset}
        after = replace(now, limits=others if caps.is_empty else {**others, asset: caps})
        if after == now:
            return Committed(0, await context.journal_time(), safeguards_view(context, now), replayed=True)
        try:
            change = await changed(context, actor, EventKind.LIMITS_SET, now, after, asset=asset, reason=reason)
            return await context.journal.commit(change)
        except (Stale, AlreadyExists) as lost:
            last = lost
    raise last
