"""Reverse an entry: the money goes back the way it came, once. What its receiver has already spent they owe from then on.

That it happens once rests on one row: its id is the position of the entry that is reversed, and the Journal lets a row be
made once. Whoever reverses when is no matter, nor who crashes after which commit.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.customers.viewers import viewers_of
from wallet.errors import AlreadyExists, AlreadyReversed, NotAllowed
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Request
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.money import format_units
from wallet.reversals.find import PostedEntry, find_posted

REASON_MAX = 500


async def reverse_entry(
    context: Context, actor: str, name: str, reason: str, request: Request | None = None
) -> Committed:
    """Post the opposite of a payment or settlement, named by its id or journal position. The reason goes on record.

    Raises `NotFound`, `NotReversible`, `AlreadyReversed`, `AssetPaused`, `AccountClosed`, and `NotAllowed` without a reason. A
    retry under the same key returns the first answer.
    """

    async def decide() -> Change:
        if not reason.strip():
            raise NotAllowed("an entry is reversed with a reason: it goes on record")
        posted = await find_posted(context, name)
        table = schema.reversals
        if await context.one(select(table.c.id).where(table.c.id == str(posted.seq))) is not None:
            raise AlreadyReversed(posted.object)
        return await _change(context, actor, posted, reason, request)

    try:
        if request is None:
            return await context.journal.commit(await decide())
        return await repeatable(context.journal, request, decide)
    except AlreadyExists:
        raise AlreadyReversed(name) from None


async def _change(context: Context, actor: str, posted: PostedEntry, reason: str, request: Request | None) -> Change:
    """The event goes to everybody whose balance moves, and so tells neither the reason nor the position."""
    now, entry = context.clock.now(), templates.entry_reversed(posted.entry)
    standing = () if request is None else request.standing
    assets = {transfer.amount.asset.symbol: transfer.amount.asset for transfer in entry}
    row = {"id": str(posted.seq), "object": posted.object, "reason": reason, "created_at": now}
    told = {"reversed": posted.object, "created_at": time_text(now)}
    owners = [account.owner for transfer in entry for account in (transfer.debit, transfer.credit)]
    return Change(
        actor=actor,
        kind=EventKind.ENTRY_REVERSED,
        data=told,
        entry=entry,
        requires=(*standing, *[await context.unpaused(asset) for _, asset in sorted(assets.items())]),
        writes=(Insert("reversals", row),),
        viewers=await viewers_of(context, *owners),
        request=request,
        result=reversal_view(row),
    )


def reversal_view(row: Mapping[str, Any]) -> dict[str, object]:
    """As operators see it; `entry` is the position of what was reversed."""
    return {
        "entry": int(row["id"]),
        "reversed": row["object"],
        "reason": row["reason"],
        "created_at": time_text(row["created_at"]),
    }


async def moved_back(context: Context, done: Committed) -> list[dict[str, str]]:
    """What a reversal came to: the Journal decides how much the receiver still had, and how much they owe now."""
    table = schema.transfers
    rows = await context.all(select(table).where(table.c.seq == done.seq).order_by(table.c.ordinal))
    return [
        {
            "from": row["debit_account"],
            "to": row["credit_account"],
            "asset": row["asset"],
            "amount": format_units(row["units"], context.asset(row["asset"]).decimals),
        }
        for row in rows
    ]
