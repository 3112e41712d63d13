"""Ask the signer before anything is reserved: what it would refuse then is refused while nothing has happened."""

from sqlalchemy import func, select

from wallet import schema
from wallet.assets.pause import pause_asset
from wallet.context import ACTOR_NODE, Context
from wallet.errors import Stale
from wallet.journal.change import Requirement
from wallet.ports import Ground, SignerRefused, SignRequest

PASSING = frozenset({Ground.WINDOW, Ground.STOPPED})
"""Grounds that pass: what was reserved waits for its signature, for a nonce that is given up blocks every later one."""


async def dry_run(
    context: Context,
    symbol: str,
    request: SignRequest,
    read: tuple[Requirement, ...],
    reservations: tuple[str, ...] = (),
) -> None:
    """Raises `SignerRefused`; where the signer's memory contradicts our books (a restored backup, say) the asset stops as
    well, for then a payment may have been made that we know nothing of.

    `read` are the rows on which the request rests, and `reservations` what it would reserve: where another worker has moved
    them meanwhile, the books agree with the signer after all. Raises `Stale` then, and nothing stops."""
    try:
        await context.signer.check(request)
    except SignerRefused as refusal:
        if refusal.ground is Ground.CONFLICT:
            await _refuse_overtaken(context, read, reservations)
            await pause_asset(context, ACTOR_NODE, symbol, f"the signer and the books disagree: {refusal}")
        raise


async def _refuse_overtaken(context: Context, read: tuple[Requirement, ...], reservations: tuple[str, ...]) -> None:
    for one in read:
        table = schema.ROWS[one.table]
        row = await context.one(select(table.c.version).where(table.c.id == one.id))
        if row is None or row["version"] != one.version:
            raise Stale(one.table, one.id)
    names = schema.reservations.c.id
    taken = await context.one(select(func.min(names).label("id")).where(names.in_(reservations)))
    if taken is not None and taken["id"] is not None:
        raise Stale("reservations", taken["id"])
