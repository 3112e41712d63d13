"""Who sees an event: those whose thing it is, and the platform of a sub-account, which follows all of its own in one place."""

from wallet import schema
from wallet.context import Context
from wallet.ledger.accounts import HOUSE

_PLATFORMS = "platforms"


async def viewers_of(context: Context, *owners: str | None) -> tuple[str, ...]:
    """The customers among these owners, with their platforms; the house and nobody see nothing."""
    customers = [owner for owner in dict.fromkeys(owners) if owner is not None and owner != HOUSE]
    if not customers:
        return ()
    platforms = {await _platform(context, customer) for customer in customers}
    return tuple(dict.fromkeys((*customers, *sorted(name for name in platforms if name is not None))))


async def _platform(context: Context, customer: str) -> str | None:
    """It never changes, so it is read once."""
    known = context.recent.get(_PLATFORMS, customer)
    if known is None:
        row = await context.named(schema.customers.c.id, customer)
        if row is None:
            return None
        known = {"platform": row["platform"]}
        context.recent.keep(_PLATFORMS, customer, known)
    platform: str | None = known["platform"]
    return platform
