"""Stop one asset, and start it again. In doubt the node stops the asset alone and tells a person why."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotFound, Stale
from wallet.journal.change import Change, EventKind, Update


async def pause_asset(context: Context, actor: str, symbol: str, reason: str) -> None:
    """From the commit on nothing is credited, paid or withdrawn in this asset. Pausing again keeps the first reason."""
    await _switch(context, actor, symbol, EventKind.ASSET_PAUSED, reason)


async def resume_asset(context: Context, actor: str, symbol: str, reason: str) -> None:
    """A person has looked. `reason` goes on record."""
    await _switch(context, actor, symbol, EventKind.ASSET_RESUMED, reason)


async def pausing(context: Context, symbol: str, reason: str) -> tuple[Update, ...]:
    """The pause as a write, for a Change whose own news is the reason: both stand, or neither. Empty if paused already."""
    row = await _asset_row(context, symbol)
    if row["paused"]:
        return ()
    return (Update("assets", symbol, row["version"], {"paused": True, "pause_reason": reason}),)


async def _asset_row(context: Context, symbol: str) -> Record:
    row = await context.one(select(schema.assets).where(schema.assets.c.id == symbol))
    if row is None:
        raise NotFound("asset", symbol)
    return row


async def _switch(context: Context, actor: str, symbol: str, kind: EventKind, reason: str) -> None:
    paused = kind is EventKind.ASSET_PAUSED
    while True:
        row = await _asset_row(context, symbol)
        if row["paused"] == paused:
            return
        values = {"paused": paused, "pause_reason": reason if paused else None}
        update = Update("assets", symbol, row["version"], values)
        try:
            await context.journal.commit(Change(actor, kind, {"asset": symbol, "reason": reason}, writes=(update,)))
        except Stale:
            continue
        return
