"""PostgreSQL servers of a test's own, for what no shared server should have to bear: killed, copied, damaged, followed."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from node.database import Dsns, EmbeddedPostgres, binary, prepare_roles
from node.database.cluster import SUPERUSER
from node.database.roles import kept_passwords, with_login
from node.migrations.apply import apply_migrations
from node.processes import attempts

SAID_WITHIN_S = 30.0


@dataclass(slots=True)
class Cluster:
    """A server in a folder of its own, with the newest schema."""

    folder: Path
    server: EmbeddedPostgres
    dsns: Dsns

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def superuser_dsn(self) -> str:
        password = kept_passwords(self.folder / "passwords.json", (SUPERUSER,))[SUPERUSER]
        return with_login(self.dsns.owner, SUPERUSER, password)

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.superuser_dsn)
        try:
            yield connection
        finally:
            with contextlib.suppress(OSError):  # the server may have been killed meanwhile
                await connection.close()

    async def kill(self) -> None:
        """SIGKILL: nothing is written out any more. Returns when no process of it is left."""
        os.kill(self.server.pid, signal.SIGKILL)
        await self.server.stop()

    async def said(self, words: str, times: int = 1) -> None:
        """Returns when the server has written this to its log so often."""
        async for _ in attempts(SAID_WITHIN_S):
            if self.times_said(words) >= times:
                return
        raise AssertionError(f"{self.server.log} never said {words!r}")

    def times_said(self, words: str) -> int:
        return self.server.log.read_text(errors="replace").count(words) if self.server.log.exists() else 0


@asynccontextmanager
async def running_cluster(folder: Path, settings: Mapping[str, str] | None = None) -> AsyncIterator[Cluster]:
    """A new one, migrated. It is stopped with the block, whatever runs then."""
    server = EmbeddedPostgres(folder, settings)
    owner = await server.start()
    cluster = Cluster(folder, server, await prepare_roles(owner, folder, {}))
    try:
        await apply_migrations(owner)
        yield cluster
    finally:
        await cluster.server.stop()


@asynccontextmanager
async def opened_copy(
    cluster: Cluster, data: Path, folder: Path, prepare: Callable[[Cluster, Path], None] | None = None
) -> AsyncIterator[Cluster]:
    """A server on this data folder, moved into a folder of its own, with the logins of the cluster that it was. `prepare`
    does something to the data before it is started."""
    place_data(data, cluster.data, folder)
    if prepare is not None:
        prepare(cluster, folder / "data")
    copy_logins(cluster.folder, folder)
    server = EmbeddedPostgres(folder)
    try:
        owner = await server.start()
        yield Cluster(folder, server, await prepare_roles(owner, folder, {}))
    finally:
        await server.stop()


def place_data(data: Path, like: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    data.rename(folder / "data")
    own_like(folder / "data", like)


def own_like(data: Path, like: Path) -> None:
    """Whoever runs the server must own its files."""
    if os.geteuid() == 0:
        owner = like.stat()
        for path in (data, *data.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def copy_logins(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for name in ("passwords.json", "roles.json"):
        shutil.copy2(source / name, target / name)


@asynccontextmanager
async def standby_of(
    primary: Cluster, folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Cluster]:
    """A hot standby that streams from the primary, as `pg_basebackup --write-recovery-conf` makes one."""
    made = folder.with_name(f"{folder.name}.made")
    _copy_of_running(primary, made)
    place_data(made, primary.data, folder)
    copy_logins(primary.folder, folder)
    server = EmbeddedPostgres(folder, settings)
    try:
        yield Cluster(folder, server, at_host_of(await server.start(), primary.dsns))
    finally:
        await server.stop()


def at_host_of(dsn: str, dsns: Dsns) -> Dsns:
    """The same logins on another server."""
    there = urlsplit(dsn).query
    moved = (urlunsplit(urlsplit(one)._replace(query=there)) for one in (dsns.owner, dsns.books, dsns.ops))
    return Dsns(*moved)


async def until(asked: Callable[[], Awaitable[object]]) -> None:
    """Returns when the answer is yes."""
    async for _ in attempts(SAID_WITHIN_S):
        if await asked():
            return
    raise AssertionError("it never became so")


def _copy_of_running(primary: Cluster, made: Path) -> None:
    options = ["-d", primary.superuser_dsn, "-D", str(made), "-R", "-X", "stream", "-c", "fast"]
    done = subprocess.run([binary("pg_basebackup"), *options], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
