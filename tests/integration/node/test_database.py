import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from node.database import (
    DatabaseUnavailable,
    Dsns,
    EmbeddedPostgres,
    RolesUnavailable,
    UnsafeDatabase,
    binary,
    prepare_roles,
    refuse_unsafe_settings,
)
from node.database.roles import in_database, with_login
from node.processes import attempts
from tests.databases import FreshDatabases

RUNS_A_SERVER = """
import asyncio, sys
from pathlib import Path
from node.database import EmbeddedPostgres

async def main() -> None:
    server = EmbeddedPostgres(Path(sys.argv[1]))
    dsn = await server.start()
    print(server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[EmbeddedPostgres, str]]:
    server = EmbeddedPostgres(folder)
    dsn = await server.start()
    try:
        yield server, dsn
    finally:
        await server.stop()


def node_that_runs_a_server(folder: Path) -> tuple[subprocess.Popen[str], int]:
    node = subprocess.Popen([sys.executable, "-c", RUNS_A_SERVER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert node.stdout is not None
    return node, int(node.stdout.readline())


def end(node: subprocess.Popen[str]) -> None:
    node.kill()
    node.communicate()


def occupy(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


async def gone(pid: int, within_s: float = 20.0) -> None:
    async for _ in attempts(within_s):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
    raise TimeoutError(f"process {pid} is still there")


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, dsn), connected(dsn) as connection:
        await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    async with running(tmp_path) as (_, dsn_again), connected(dsn_again) as connection:
        assert dsn_again == dsn
        assert await connection.fetchval("SELECT n FROM kept") == 7


async def test_the_embedded_server_is_safe_and_its_owner_is_no_superuser(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, dsn), connected(dsn) as connection:
        await refuse_unsafe_settings(connection)
        assert await connection.fetchval("SELECT current_setting('data_checksums')") == "on"
        assert await connection.fetchval("SELECT current_setting('listen_addresses')") == ""
        assert not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")


async def test_passwords_are_readable_by_us_alone_and_demanded(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, dsn):
        assert (tmp_path / "passwords.json").stat().st_mode & 0o777 == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(with_login(dsn, "coffer_owner", "guessed"))


async def test_a_folder_below_one_that_is_closed_to_others_works_and_stays_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    async with running(closed / "node" / "database") as (_, dsn), connected(dsn) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700


async def test_a_very_deep_folder_still_has_a_short_socket_path(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["deep" * 10] * 4)
    async with running(deep) as (_, dsn), connected(dsn) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_two_nodes_on_one_folder_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, dsn):
        with pytest.raises(DatabaseUnavailable, match="another node is running"):
            await EmbeddedPostgres(tmp_path).start()
        async with connected(dsn) as connection:
            assert await connection.fetchval("SELECT 1") == 1


async def test_a_killed_node_leaves_no_server_behind(tmp_path: Path) -> None:
    node, server_pid = node_that_runs_a_server(tmp_path)
    assert psutil.pid_exists(server_pid)
    end(node)
    await gone(server_pid)


async def test_a_server_that_was_left_behind_is_stopped_at_the_next_start(tmp_path: Path) -> None:
    node, server_pid = node_that_runs_a_server(tmp_path)
    os.kill(server_pid, signal.SIGSTOP)  # it cannot follow its parent's death
    end(node)
    assert psutil.Process(server_pid).status() == psutil.STATUS_STOPPED
    waking = asyncio.get_running_loop().call_later(0.5, os.kill, server_pid, signal.SIGCONT)
    async with running(tmp_path) as (server, dsn), connected(dsn) as connection:
        assert server.pid != server_pid
        assert await connection.fetchval("SELECT 1") == 1
    waking.cancel()


async def test_a_server_that_was_killed_recovers_what_was_committed(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, dsn):
        async with connected(dsn) as connection:
            await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        os.kill(server.pid, signal.SIGKILL)
        await gone(server.pid)
    async with running(tmp_path) as (_, dsn), connected(dsn) as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 7


async def test_a_lock_file_that_names_a_strangers_process_is_no_obstacle(tmp_path: Path) -> None:
    async with running(tmp_path):
        lock = (tmp_path / "data" / "postmaster.pid").read_text().splitlines()
    (tmp_path / "data" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lock[1:]]) + "\n")
    async with running(tmp_path) as (_, dsn), connected(dsn) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_cluster_that_was_made_by_half_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.draft").mkdir()
    (tmp_path / "data.draft" / "PG_VERSION").write_text("18\n")
    async with running(tmp_path) as (_, dsn), connected(dsn) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, dsn):
        sockets = Path(dsn.partition("host=")[2])
    occupy(sockets)  # it was removed by the stop
    try:
        with pytest.raises(DatabaseUnavailable, match="made by somebody else"):
            await EmbeddedPostgres(tmp_path).start()
    finally:
        os.rmdir(sockets)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("synchronous_commit", "off"),
        ("default_transaction_isolation", "repeatable read"),
        ("default_transaction_isolation", "serializable"),
    ],
)
async def test_crs_04_a_role_with_unsafe_settings_is_refused(postgres_url: str, setting: str, value: str) -> None:
    connection = await asyncpg.connect(postgres_url, server_settings={setting: value})
    with pytest.raises(UnsafeDatabase, match=setting):
        await refuse_unsafe_settings(connection)
    await connection.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_crs_04_a_server_with_unsafe_settings_is_refused(tmp_path: Path, setting: str) -> None:
    server = EmbeddedPostgres(tmp_path, settings={setting: "off"})
    dsn = await server.start()
    async with connected(dsn) as connection:
        with pytest.raises(UnsafeDatabase, match=setting):
            await refuse_unsafe_settings(connection)
    await server.stop()


async def test_roles_are_made_once_and_may_do_nothing_yet(databases: FreshDatabases, tmp_path: Path) -> None:
    async with running(tmp_path) as (_, dsn):
        first = await prepare_roles(dsn, tmp_path, {})
        assert await prepare_roles(dsn, tmp_path, {}) == first
        assert first.owner not in repr(first)
        for role_dsn in (first.books, first.ops):
            async with connected(role_dsn) as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute("CREATE TABLE theirs (n int)")


async def test_a_role_with_a_password_of_somebody_else_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, dsn):
        await prepare_roles(dsn, tmp_path, {})
        (tmp_path / "roles.json").unlink()
        with pytest.raises(RolesUnavailable, match="COFFER_BOOKS_URL"):
            await prepare_roles(dsn, tmp_path, {})


async def test_given_roles_are_taken_as_they_are(tmp_path: Path) -> None:
    given = {"COFFER_BOOKS_URL": "postgresql://b", "COFFER_OPS_URL": "postgresql://o"}
    assert await prepare_roles("postgresql://x", tmp_path, given) == Dsns(
        "postgresql://x", "postgresql://b", "postgresql://o"
    )
    with pytest.raises(RolesUnavailable, match="together"):
        await prepare_roles("postgresql://x", tmp_path, {"COFFER_OPS_URL": "postgresql://o"})


async def test_passwords_never_reach_the_servers_log(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, settings={"log_statement": "all"})
    dsns = await prepare_roles(await server.start(), tmp_path, {})
    await server.stop()
    log = server.log.read_text()
    assert "CREATE ROLE coffer_books" in log
    for dsn in (dsns.owner, dsns.books, dsns.ops):
        assert dsn.partition("@")[0].rpartition(":")[2] not in log


async def test_each_test_has_a_database_of_its_own(dsns: Dsns, postgres_url: str) -> None:
    async with connected(dsns.owner) as connection:
        assert await connection.fetchval("SELECT seq FROM journal_head") is not None
    async with connected(postgres_url) as connection:
        assert await connection.fetchval("SELECT to_regclass('journal_head')") is None


def test_a_connection_string_keeps_its_place_and_options() -> None:
    dsn = "postgresql://a:b@one:5432,two:5433/books?sslmode=require&user=a&password=b"
    assert with_login(dsn, "c", "d/e") == "postgresql://c:d%2Fe@one:5432,two:5433/books?sslmode=require"
    assert in_database("postgresql://a:b@/x?host=/run/y", "z") == "postgresql://a:b@/z?host=/run/y"


@pytest.mark.parametrize("name", ["postgres", "initdb", "psql", "pgbench", "pg_dump", "pg_basebackup"])
def test_the_programs_of_postgresql_are_there(name: str) -> None:
    assert os.access(binary(name), os.X_OK)
