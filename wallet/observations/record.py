"""Ask a network what we hold and write it down, when a deposit that is final waits for a newer statement than the last one."""

from collections.abc import Mapping

import structlog
from sqlalchemy import func, select

from wallet import schema
from wallet.addresses.in_use import in_use
from wallet.context import ACTOR_NODE, Context, Record
from wallet.deposits.cursor import read_cursor
from wallet.deposits.states import CONFIRMING, DETECTED
from wallet.errors import AlreadyExists, Stale
from wallet.ids import NetworkId
from wallet.journal.body import time_text
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.money import format_units
from wallet.ports import BlockRef, BlockVanished, Network, NetworkUnreachable, Observation

_log = structlog.get_logger("observations")


async def observe_network(context: Context, network: Network) -> None:
    """Repeatable, and cheap while nothing waits. An observation that the network does not give now (one bitcoind makes one at
    a time) is asked for again at the next look, and what waits goes on waiting. Raises the network's other errors."""
    final, cursor = await network.final(), await read_cursor(context, network.id)
    if final is None or cursor is None:
        return
    at = final if final.height <= cursor.height else cursor  # what the books have not read yet, they cannot set off
    waiting = await _waiting(context, network.id, at, cursor)
    known = await observations(context, network.id)
    if all(symbol in known and known[symbol]["height"] >= at.height for symbol in waiting):
        return
    try:
        observation = await network.observe(sorted(await in_use(context, network.id)), at)
    except (NetworkUnreachable, BlockVanished) as wait:
        _log.warning("observation_waits", network=network.id, reason=str(wait))
        return
    for symbol, height in waiting.items():
        await _write(context, network.id, symbol, height, observation, known.get(symbol))


async def observations(context: Context, network: NetworkId) -> Mapping[str, Record]:
    """The newest of each asset of this network."""
    table = schema.observations
    return {row["asset"]: row for row in await context.all(select(table).where(table.c.network == network))}


async def _waiting(context: Context, network: NetworkId, at: BlockRef, cursor: BlockRef) -> dict[str, int]:
    """Assets with deposits that are final and not credited, and the highest block that one is in. What the network's own
    rules keep from being spent yet waits for something else."""
    table, assets = schema.deposits, schema.assets
    paused = select(assets.c.id).where(assets.c.paused)
    wanted = (
        select(table.c.asset, func.max(table.c.height).label("height"))
        .where(table.c.network == network, table.c.state.in_((DETECTED, CONFIRMING)), table.c.height <= at.height)
        .where(table.c.asset.not_in(paused))
        .where(func.coalesce(table.c.confirmations_min, 0) <= cursor.height + 1 - table.c.height)
        .group_by(table.c.asset)
    )
    return {row["asset"]: row["height"] for row in await context.all(wanted)}


async def _write(
    context: Context, network: NetworkId, symbol: str, height: int, seen: Observation, known: Record | None
) -> None:
    """Nothing, where the last one says the same and is high enough: the journal is not told each block what it knows."""
    units = seen.units.get(symbol, 0)
    if known is not None and known["height"] >= height and known["units"] == units:
        return
    values = {"units": units, "height": seen.block.height, "block": seen.block.id, "at": context.clock.now()}
    row_id = f"{network}/{symbol}"
    write: Insert | Update = (
        Insert("observations", {"id": row_id, "network": network, "asset": symbol, **values})
        if known is None
        else Update("observations", row_id, known["version"], values)
    )
    data = {
        "network": network,
        "asset": symbol,
        "amount": format_units(units, context.asset(symbol).decimals),
        "height": seen.block.height,
        "block": seen.block.id,
        "at": time_text(context.clock.now()),
    }
    try:
        await context.journal.commit(Change(ACTOR_NODE, EventKind.BALANCE_OBSERVED, data, writes=(write,)))
    except (Stale, AlreadyExists):
        return  # another process looked as well
