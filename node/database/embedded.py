"""PostgreSQL as a child of the node: nothing to install, one folder, no TCP port.

    <folder>/data           the cluster           <folder>/server.log      what it says
    <folder>/passwords.json its logins, 0600      <folder>/in-use          locked while a node runs it

Failures that this prevents: two nodes on one folder; a server left behind by a killed node, which holds the folder; a cluster
half made by a killed first start; a socket path longer than the kernel allows; a start as root, which PostgreSQL refuses,
and opening up the folders of root to avoid that.
"""

import contextlib
import fcntl
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg

from node.database.account import account_for, socket_folder
from node.database.cluster import SUPERUSER, make_cluster
from node.database.leftover import end_leftover
from node.database.program import DatabaseUnavailable, binary
from node.database.roles import in_database, kept_passwords, make_role, with_login
from node.processes import Account, Child, start_child

OWNER, DATABASE = "coffer_owner", "coffer"
READY_WITHIN_S = 120.0  # recovery after a crash replays at most max_wal_size, 1 GB
STOP_WITHIN_S = 120.0  # a fast shutdown writes everything out first

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # details of an error can hold what people wrote
    "log_checkpoints": "off",
    "shared_buffers": "512MB",  # the tops of the indexes that every payment touches; more is the operator's to give
    "wal_buffers": "16MB",  # a batch of thousands is several megabytes of log
    "jit": "off",  # our statements are short; compiling them costs more than it saves
}


class EmbeddedPostgres:
    """One cluster in one folder, run by one node at a time."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` go over the safe ones that are set here."""
        self.folder = folder.absolute()
        self.log = self.folder / "server.log"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._data = self.folder / "data"
        self._in_use: IO[str] | None = None
        self._child: Child | None = None
        self._sockets: Path | None = None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise RuntimeError("the embedded database is not running")
        return self._child.pid

    async def start(self) -> str:
        """Starts it, making the cluster on first use, and returns the owner's connection string.
        Raises `DatabaseUnavailable`, `ChildEnded`, `NotReady`."""
        _make_folder(self.folder)
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self.stop)
            self._in_use = _take(self.folder / "in-use")
            passwords = kept_passwords(self.folder / "passwords.json", (SUPERUSER, OWNER))
            account = account_for(self.folder)
            self._sockets = sockets = socket_folder(self._data, account)
            await end_leftover(self._data)
            if not self._data.exists():
                make_cluster(self._data, sockets, passwords[SUPERUSER], account)
            superuser_dsn = _dsn(sockets, SUPERUSER, passwords[SUPERUSER])
            await self._run(sockets, account, superuser_dsn)
            await _make_database(superuser_dsn, passwords[OWNER])
            undo.pop_all()
        return in_database(with_login(superuser_dsn, OWNER, passwords[OWNER]), DATABASE)

    def attach(self, role: str = OWNER) -> str:
        """The connection string of the owner, or of the superuser, on a server that another process of ours runs on this
        folder; nothing is started. Raises `DatabaseUnavailable` when none does."""
        if not self._data.exists() or not _is_taken(self.folder / "in-use"):
            raise DatabaseUnavailable(f"no node is running on {self.folder}")
        passwords = kept_passwords(self.folder / "passwords.json", (SUPERUSER, OWNER))
        sockets = socket_folder(self._data, account_for(self.folder))
        return in_database(_dsn(sockets, role, passwords[role]), DATABASE)

    async def stop(self) -> None:
        """A fast shutdown: sessions are ended, everything is written out."""
        if self._child is not None:
            await self._child.stop(signal.SIGINT, STOP_WITHIN_S)
            self._child = None
        if self._sockets is not None:
            with contextlib.suppress(OSError):  # not empty after a kill; the next start takes it over
                self._sockets.rmdir()
            self._sockets = None
        if self._in_use is not None:
            self._in_use.close()
            self._in_use = None

    def check(self) -> None:
        """Raises `ChildEnded` if the server went away by itself."""
        if self._child is not None:
            self._child.check()

    async def _run(self, sockets: Path, account: Account | None, superuser_dsn: str) -> None:
        settings = {**self._settings, "unix_socket_directories": str(sockets)}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(binary("postgres")), "-D", str(self._data), *words]
        # SIGINT on our death is the fast shutdown: it leaves a clean cluster.
        self._child = start_child("PostgreSQL", command, log=self.log, account=account, on_parent_death=signal.SIGINT)

        async def answers() -> bool:
            return await _connects(superuser_dsn)

        await self._child.ready(answers, READY_WITHIN_S)


async def _connects(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn)
    except (OSError, asyncpg.CannotConnectNowError):
        return False
    await connection.close()
    return True


async def _make_database(superuser_dsn: str, owner_password: str) -> None:
    connection = await asyncpg.connect(superuser_dsn)
    try:
        await make_role(connection, OWNER, owner_password, rights="CREATEDB CREATEROLE")
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
            await connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
    finally:
        await connection.close()


def _dsn(sockets: Path, role: str, password: str) -> str:
    return f"postgresql://{role}:{quote(password, safe='')}@/postgres?host={quote(str(sockets))}"


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)  # as root, the server's user passes through to its data


def _take(lock: Path) -> IO[str]:
    file = lock.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        file.close()
        raise DatabaseUnavailable(
            f"another node is running on {lock.parent}: stop it, or use another folder"
        ) from taken
    return file


def _is_taken(lock: Path) -> bool:
    try:
        _take(lock).close()
    except DatabaseUnavailable:
        return True
    return False
