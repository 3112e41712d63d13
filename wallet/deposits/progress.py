"""How far a deposit is, in words that its owner understands: 2 of 3 confirmations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.deposits.depth import depths
from wallet.deposits.states import CONFIRMING, DETECTED
from wallet.ids import NetworkId

_OPEN: Final = (DETECTED, CONFIRMING)


@dataclass(frozen=True, slots=True)
class Progress:
    """`needed` is None where it waits no more, and where only the network itself knows when it is final."""

    confirmations: int | None
    needed: int | None


async def progress_of(context: Context, rows: Sequence[Record]) -> Mapping[str, Progress]:
    """Of each of these deposits (or strays, which wait for nothing), by its id."""
    views = {row["network"]: row for row in await context.all(select(schema.network_views))}
    needed = await depths(context, [row for row in rows if _waits(row)])
    return {row["id"]: _progress(context, row, views.get(row["network"]), needed.get(row["id"], 0)) for row in rows}


def _waits(row: Record) -> bool:
    return row["id"].startswith("dep_") and row["state"] in _OPEN


def _progress(context: Context, row: Record, view: Record | None, depth: int) -> Progress:
    tip, final = (view["tip"], view["final"]) if view else (None, None)
    if not _waits(row):
        return Progress(progress(row["height"], tip, final)[0], None)
    network = context.networks.get(NetworkId(row["network"]))
    fixed = network.capabilities.confirmations if network else None
    if row["height"] is None:
        return Progress(None if fixed is None else 0, None if fixed is None else max(fixed, depth))
    count, by_final = progress(row["height"], tip, final)
    least = fixed or by_final
    return Progress(count, None if least is None else max(least, depth))


def progress(height: int | None, tip: int | None, final: int | None) -> tuple[int | None, int | None]:
    """Confirmations so far, and how many it takes: those so far and the blocks that finality is still behind."""
    if height is None or tip is None:
        return None, None
    count = max(tip - height + 1, 1)
    return count, None if final is None else count + max(height - final, 0)
