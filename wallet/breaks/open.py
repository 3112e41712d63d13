"""Set a network against the books; name a shortfall and pause its asset. One unit is enough, a surplus never is."""

from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import AlreadyExists, Stale
from wallet.ids import NetworkId
from wallet.journal.body import time_text
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.ledger.holdings import Holding, holdings
from wallet.money import format_units
from wallet.ports import Network, NetworkError

OPEN, RESOLVED = "open", "resolved"
SECOND_LOOK_S = 5.0  # a provider's machines differ for a moment; with a cycle of 30 s the asset still stops within 60

_log = structlog.get_logger("breaks")


async def reconcile_network(context: Context, network: Network, second_look_s: float = SECOND_LOOK_S) -> list[Record]:
    """One look at everything that we hold on this network. Returns the breaks that it opened.

    A shortfall is believed when a second look, made on its own, shows it as well. Raises the network's errors: no answer
    proves nothing, pauses nothing, and is kept as such with the age of the last proof.
    """
    try:
        found = await holdings(context, network)
        if any(holding.difference < 0 for holding in found):
            await context.clock.sleep(second_look_s)
            found = _short_twice(found, await holdings(context, network))
    except NetworkError as error:
        await _record_unproven(context, network, f"{type(error).__name__}: {error}")
        raise
    opened = [await _open(context, holding) for holding in found if holding.difference < 0]
    await _record(context, found)
    return [row for row in opened if row is not None]


def _short_twice(first: Sequence[Holding], second: Sequence[Holding]) -> list[Holding]:
    """What counts is the second look, but an asset that was not short in the first is left to the next cycle."""
    short = {holding.asset for holding in first if holding.difference < 0}
    return [holding for holding in second if holding.difference >= 0 or holding.asset in short]


async def open_break(context: Context, asset: str) -> Record | None:
    """The one that is open for this asset, if any."""
    table = schema.breaks
    return await context.one(select(table).where(table.c.asset == asset, table.c.state == OPEN))


def break_view(row: Record, decimals: int) -> dict[str, object]:
    """What operators see of a break."""
    return {
        "id": row["id"],
        "network": row["network"],
        "asset": row["asset"],
        "missing": format_units(row["units"], decimals),
        "status": row["state"],
        "reason": row["reason"],
        "resolution": row["resolution"],
        "created_at": time_text(row["created_at"]),
        "resolved_at": time_text(row["resolved_at"]) if row["resolved_at"] else None,
    }


def pause_reason(row: Record) -> str:
    """Why its asset is paused, with the commands that tell more and that end it. It also tells this pause from others."""
    name = row["id"]
    return f"{name}: {row['reason']}. See `coffer break show {name}`, then `coffer break resolve {name} REASON`"


async def _open(context: Context, holding: Holding) -> Record | None:
    """The Change names the break and pauses the asset, both or neither. The asset's row makes it one break at a time."""
    symbol = holding.asset
    if await open_break(context, symbol) is not None:
        return None
    paused = await context.one(select(schema.assets).where(schema.assets.c.id == symbol))
    if paused is None:
        raise AssertionError(f"{symbol} is held and was never listed")
    row = _row(context, holding)
    pause = {"paused": True, "pause_reason": paused["pause_reason"] if paused["paused"] else pause_reason(row)}
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.BREAK_OPENED,
        data={**break_view(row, holding.decimals), "seen": holding.view()},
        writes=(Insert("breaks", row), Update("assets", symbol, paused["version"], pause)),
    )
    try:
        await context.journal.commit(change)
    except (Stale, AlreadyExists):
        return None  # somebody else was faster, or paused it: the next cycle looks again
    _log.error("break_opened", **{"break": row["id"]}, asset=symbol, network=holding.network, reason=row["reason"])
    return {**row, "version": 1}


def _row(context: Context, holding: Holding) -> dict[str, object]:
    missing = format_units(-holding.difference, holding.decimals)
    return {
        "id": context.new_id("brk"),
        "network": holding.network,
        "asset": holding.asset,
        "units": -holding.difference,
        "reason": f"{holding.network} states {missing} {holding.asset} less than the books, at {holding.block.height}",
        "state": OPEN,
        "resolution": None,
        "created_at": context.clock.now(),
        "resolved_at": None,
    }


# ── when what was last proven: operational ───────────────────────────────────────────────────────────────────────────


async def _record(context: Context, found: Sequence[Holding]) -> None:
    now = context.clock.now()
    for holding in found:
        values = {"height": holding.block.height, "difference": holding.difference, "proven_at": now, "error": None}
        await _upsert(context, holding.network, holding.asset, {**values, "tried_at": now})


async def _record_unproven(context: Context, network: Network, error: str) -> None:
    """What was proven before stays, with its age."""
    for symbol in sorted({listing.asset.symbol for listing in network.listings}):
        await _upsert(context, network.id, symbol, {"tried_at": context.clock.now(), "error": error})


async def _upsert(context: Context, network: NetworkId, asset: str, values: dict[str, object]) -> None:
    row = {"network": network, "asset": asset, **values}
    statement = insert(schema.reconciliations).values(row)
    async with context.ops.begin() as connection:
        await connection.execute(statement.on_conflict_do_update(index_elements=["network", "asset"], set_=values))
