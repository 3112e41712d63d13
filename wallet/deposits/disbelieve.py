"""Set aside a deposit that its network does not bear out: claimed by a block, and not there when the network is asked."""

from msgspec.structs import replace
from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.deposits.move import moved
from wallet.deposits.states import CONFIRMING, DETECTED, QUARANTINED
from wallet.errors import NotAllowed, NotFound
from wallet.journal.change import Committed, EventKind

REASON = "balance_disagrees"


async def disbelieve_deposit(context: Context, actor: str, deposit: str) -> Committed:
    """A person says so; it is quarantined and counts no more as something that arrived. Raises `NotFound`, `NotAllowed` for
    one that is credited or set aside already, `Stale`."""
    row = await context.one(select(schema.deposits).where(schema.deposits.c.id == deposit))
    if row is None:
        raise NotFound("deposit", deposit)
    if row["state"] not in (DETECTED, CONFIRMING):
        raise NotAllowed(f"deposit {deposit} is {row['state']}: only one that waits to be credited can be disbelieved")
    values = {"state": QUARANTINED, "reason": REASON}
    change = await moved(context, row, EventKind.DEPOSIT_QUARANTINED, values)
    return await context.journal.commit(replace(change, actor=actor))
