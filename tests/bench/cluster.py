"""One PostgreSQL server for both contenders: the one that the node embeds, with the very settings that it runs with.

pgbench has a database of its own beside the books, so both share the server, its memory, its log and its disk.
"""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import IO

import asyncpg
import psutil

from node.database import Dsns, EmbeddedPostgres, prepare_roles
from node.database.roles import in_database
from node.migrations.apply import apply_migrations

PGBENCH = "pgbench"
CONNECTIONS = 160  # 128 clients of pgbench, and room; the one setting that differs from the node's
DURABLE_WRITES = 200
TOLD_SETTINGS = (
    *("server_version", "fsync", "synchronous_commit", "wal_sync_method", "full_page_writes", "wal_compression"),
    *(
        "commit_delay",
        "commit_siblings",
        "max_wal_size",
        "checkpoint_timeout",
        "shared_buffers",
        "wal_buffers",
        "data_checksums",
    ),
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`books` are the connection strings of the migrated books, `pgbench` that of pgbench's own database; `pid` is the
    server's first process."""

    pid: int
    folder: Path
    books: Dsns
    pgbench: str

    async def settings(self) -> dict[str, str]:
        connection = await asyncpg.connect(self.books.books)
        try:
            return {name: await connection.fetchval("SELECT current_setting($1)", name) for name in TOLD_SETTINGS}
        finally:
            await connection.close()

    def cpu_s(self) -> float:
        """Processor time of the server, of all its processes that are or were."""
        server = psutil.Process(self.pid)
        ended = server.cpu_times()
        spent_s = ended.user + ended.system + ended.children_user + ended.children_system
        for child in server.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                spent_s += times.user + times.system
        return spent_s

    def fdatasync_us(self) -> int:
        """What one small durable write costs on this disk: the median of many, in microseconds."""
        with (self.folder / "fdatasync").open("wb", buffering=0) as file:
            return int(median(_durable_write_s(file) for _ in range(DURABLE_WRITES)) * 1_000_000)


def _durable_write_s(file: IO[bytes]) -> float:
    started = perf_counter()
    file.seek(0)
    file.write(bytes(8192))
    os.fdatasync(file.fileno())
    return perf_counter() - started


@asynccontextmanager
async def running_cluster(settings: Mapping[str, str] | None = None) -> AsyncIterator[Cluster]:
    """In a temporary folder, gone afterwards. `settings` go over the node's own."""
    with tempfile.TemporaryDirectory(prefix="coffer-bench-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder, settings={"max_connections": str(CONNECTIONS), **(settings or {})})
        try:
            owner = await server.start()
            dsns = await prepare_roles(owner, folder, {})
            await apply_migrations(dsns.owner)
            connection = await asyncpg.connect(owner)
            await connection.execute(f"CREATE DATABASE {PGBENCH}")
            await connection.close()
            yield Cluster(server.pid, folder, dsns, in_database(owner, PGBENCH))
        finally:
            await server.stop()
