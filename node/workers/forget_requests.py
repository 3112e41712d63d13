"""Drop the days of remembered requests whose time is over, once that is on record; under the owner's role."""

from datetime import UTC, date, datetime

import asyncpg
import structlog

from node.database.primary import connect_primary
from wallet.context import Context
from wallet.errors import Stale
from wallet.journal.forget_requests import forget_requests

_LOCK = "SET LOCAL lock_timeout = '5s'"  # the node's writer waits behind us as long
_PARTS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'requests'::regclass ORDER BY 1"
_NAME = "requests_%Y%m%d"

_log = structlog.get_logger("workers")


async def forget_old_requests(context: Context, owner_dsn: str) -> None:
    """Repeatable: a day that was left by a step that broke off goes with the next."""
    owner = await connect_primary(owner_dsn)
    try:
        try:
            before = await forget_requests(context, await owner.fetchval("SELECT now()"))
        except Stale:
            return
        if before is not None:
            for record in await owner.fetch(_PARTS):
                if _day(record["name"]) < before.astimezone(UTC).date():
                    await _drop(owner, record["name"])
    finally:
        await owner.close()


def _day(name: str) -> date:
    return datetime.strptime(name, _NAME).replace(tzinfo=UTC).date()


async def _drop(owner: asyncpg.Connection, name: str) -> None:
    async with owner.transaction():
        await owner.execute(_LOCK)
        await owner.execute(f"ALTER TABLE requests DETACH PARTITION {name}")
        await owner.execute(f"DROP TABLE {name}")
    _log.info("requests_forgotten", day=name)
