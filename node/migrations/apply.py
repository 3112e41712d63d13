"""Bring a database to the newest schema, and prepare the partitions that the next days need."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from node.database.primary import connect_primary

PARTITION_ROWS = 10_000_000  # a journal partition: some gigabytes, a convenient unit to archive
PARTITIONS_AHEAD = 2
REQUEST_DAYS_AHEAD = 14  # the node refuses nothing if no maintenance ran for two weeks


class SchemaTooNew(Exception):
    """The database was migrated by a newer release; this one must not touch it."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise SchemaTooNew(f"the database has schema {current}, which this release does not know: use a newer release")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def apply_migrations(owner_dsn: str) -> None:
    """Run what is missing under the owner's role, then make partitions ahead. Raises `SchemaTooNew`."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=partial(connect_primary, owner_dsn), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()
    connection_raw = await connect_primary(owner_dsn)
    try:
        await prepare_partitions(connection_raw)
    finally:
        await connection_raw.close()


async def prepare_partitions(connection: asyncpg.Connection, now: datetime | None = None) -> None:
    """Journal and transfers by ranges of the sequence, requests by the day. Repeatable.

    The days count from now, and from the journal's time, which a clock that ran ahead has left in the future."""
    head = await connection.fetchrow("SELECT seq, at FROM journal_head")
    assert head is not None, "the first migration makes it"
    first = head["seq"] // PARTITION_ROWS
    for number in range(first, first + 1 + PARTITIONS_AHEAD):
        low, high = number * PARTITION_ROWS, (number + 1) * PARTITION_ROWS
        for table in ("journal", "transfers"):
            await _append_only_partition(connection, table, f"{table}_{number:06d}", f"FROM ({low}) TO ({high})")
    today = (now or datetime.now(UTC)).date()
    starts = (today, max(today, head["at"].date()))
    days = {start + timedelta(days=ahead) for start in starts for ahead in range(-1, REQUEST_DAYS_AHEAD)}
    for day in sorted(days):
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS requests_{day:%Y%m%d} PARTITION OF requests"
            f" FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        )


async def _append_only_partition(connection: asyncpg.Connection, table: str, name: str, values: str) -> None:
    """PostgreSQL hands a table's row triggers down to its partitions, but not the one against TRUNCATE."""
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
        return
    async with connection.transaction():
        await connection.execute(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES {values}")
        await connection.execute(
            f"CREATE OR REPLACE TRIGGER {name}_never_emptied BEFORE TRUNCATE ON {name}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
