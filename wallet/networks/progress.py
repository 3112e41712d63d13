"""How far the scan of a network is and how fast: for people who wait, and for those who watch. Operational state."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, case, or_
from sqlalchemy.dialects.postgresql import insert

from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ports import Block, Network
from wallet.ports.providers import Provided
from wallet.schema import network_progress

CATCHING_UP_FROM = 10  # blocks behind the tip: fewer come and go with every look
TOLD_EVERY = timedelta(seconds=1)

_log = structlog.get_logger("scan")


@dataclass(slots=True)
class ScanProgress:
    """Of one step of a scan towards `tip`: what has passed, and that people hear of it, at most once a second."""

    context: Context
    network: NetworkId
    tip: int
    began: datetime
    told: datetime = field(init=False)
    blocks: int = 0
    last: Block | None = None

    def __post_init__(self) -> None:
        self.told = self.began

    def passed(self, block: Block) -> None:
        self.blocks, self.last = self.blocks + 1, block

    async def tell(self, *, at_end: bool = False) -> None:
        """Writes down how far it is; a log line while the tip is far."""
        now = self.context.clock.now()
        if not at_end and now - self.told < TOLD_EVERY:
            return
        self.told = now
        await _write(self.context, self.network, self._values(now))
        if self.last is not None and self.tip - self.last.height >= CATCHING_UP_FROM:
            eta_s = seconds_left(self.tip - self.last.height, self._per_minute(now))
            _log.info(
                "catching_up",
                network=self.network,
                height=self.last.height,
                tip=self.tip,
                eta_s=eta_s,
                blocks=self.blocks,
            )

    def _values(self, now: datetime) -> dict[str, object]:
        values: dict[str, object] = {"head": self.tip, "head_at": now}
        if self.last is not None:
            values |= {
                "scanned": self.last.height,
                "block_at": self.last.at,
                "blocks_per_minute": self._per_minute(now),
            }
        return values

    def _per_minute(self, now: datetime) -> int:
        took_ms = max(int((now - self.began).total_seconds() * 1_000), 1)
        return divmod(self.blocks * 60_000, took_ms)[0]


def seconds_left(blocks: int, per_minute: int | None) -> int | None:
    """None while nobody knows how fast it goes."""
    return divmod(blocks * 60, per_minute)[0] if per_minute else None


async def record_providers(context: Context, network: Network) -> None:
    """What they said last. Banks have none."""
    if isinstance(network, Provided):
        await _write(context, network.id, {"providers": [asdict(view) for view in network.providers()]})


async def _write(context: Context, network: NetworkId, values: Mapping[str, Any]) -> None:
    """Only where something differs. `head_at` is when the head moved last."""
    wanted = insert(network_progress).values(network=network, **values)
    news: dict[str, ColumnElement[Any]] = {name: wanted.excluded[name] for name in values}
    differs = or_(*(network_progress.c[name].is_distinct_from(new) for name, new in news.items() if name != "head_at"))
    if "head" in news:
        news["head_at"] = case(
            (network_progress.c.head.is_distinct_from(news["head"]), news["head_at"]), else_=network_progress.c.head_at
        )
    async with context.ops.begin() as connection:
        await connection.execute(wanted.on_conflict_do_update(index_elements=["network"], set_=news, where=differs))
