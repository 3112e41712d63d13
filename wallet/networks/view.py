"""A network as people see it: how far it is, how far we are, what stops it, who stands behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.networks.progress import CATCHING_UP_FROM, seconds_left
from wallet.ports.providers import NetworkConflict

SEEN_WITHIN = timedelta(minutes=10)  # or nobody is looking; a look at what we hold takes minutes on Bitcoin


class NetworkStatus(StrEnum):
    """What of it concerns whoever waits for a deposit or a withdrawal."""

    RUNNING = "running"
    CATCHING_UP = "catching_up"
    NOT_ANSWERING = "not_answering"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """`eta_s` is None while nobody knows how fast it goes."""

    height: int
    blocks_per_minute: int | None
    eta_s: int | None


@dataclass(frozen=True, slots=True)
class NetworkView:
    """`scanned` is the block up to which deposits have been looked for; `lag_s` is how old it is, 0 at the tip. `error` and
    `halted` are for operators: they name hosts."""

    id: str
    kind: str
    status: NetworkStatus
    tip: int | None
    final: int | None
    scanned: int | None
    lag_blocks: int | None
    lag_s: int | None
    catching_up: CatchingUp | None
    seen_at: datetime | None
    head_at: datetime | None
    error: str | None
    halted: str | None
    providers: tuple[dict[str, Any], ...]


async def network_views(context: Context) -> list[NetworkView]:
    """Of all networks that this node runs, by name."""
    rows = {row["id"]: row for row in await context.all(select(schema.networks))}
    seen = {row["network"]: row for row in await context.all(select(schema.network_views))}
    cursors = {row["network"]: row["height"] for row in await context.all(select(schema.scan_cursors))}
    progress = {row["network"]: row for row in await context.all(select(schema.network_progress))}
    now = context.clock.now()
    return [
        _view(name, rows.get(name, {}), seen.get(name, {}), cursors.get(name), progress.get(name, {}), now)
        for name in map(str, sorted(context.networks))
    ]


def _view(name: str, row: Record, seen: Record, scanned: int | None, progress: Record, now: datetime) -> NetworkView:
    tip, halted, error = seen.get("tip"), row.get("halt_reason"), seen.get("error") if seen else "not seen yet"
    lag = max(tip - scanned, 0) if tip is not None and scanned is not None else None
    behind = _catching_up(lag, scanned, progress)
    block_at = progress.get("block_at")
    lag_s = max(int((now - block_at).total_seconds()), 0) if lag and block_at is not None else lag and None
    return NetworkView(
        id=name,
        kind=row.get("kind", ""),
        status=_status(error, halted, behind, seen.get("seen_at"), now),
        tip=tip,
        final=seen.get("final"),
        scanned=scanned,
        lag_blocks=lag,
        lag_s=lag_s,
        catching_up=behind,
        seen_at=seen.get("seen_at"),
        head_at=progress.get("head_at"),
        error=error,
        halted=halted,
        providers=tuple(progress.get("providers") or ()),
    )


def _catching_up(lag: int | None, scanned: int | None, progress: Record) -> CatchingUp | None:
    if lag is None or scanned is None or lag < CATCHING_UP_FROM:
        return None
    per_minute = progress.get("blocks_per_minute")
    return CatchingUp(scanned, per_minute, seconds_left(lag, per_minute))


def _status(
    error: str | None, halted: str | None, behind: CatchingUp | None, seen_at: datetime | None, now: datetime
) -> NetworkStatus:
    if halted is not None or (error or "").startswith(NetworkConflict.__name__):
        return NetworkStatus.PAUSED
    if error is not None or seen_at is None or now - seen_at > SEEN_WITHIN:
        return NetworkStatus.NOT_ANSWERING
    return NetworkStatus.RUNNING if behind is None else NetworkStatus.CATCHING_UP
