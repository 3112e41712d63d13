"""CRS-14: a migration killed at any statement leaves the schema as it was, and the next start makes it whole; an older release
refuses what a newer one made."""

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from node.database import Dsns
from node.migrations import versions
from node.migrations.apply import SchemaTooNew, apply_migrations
from tests.integration.wallet.changes import connected

# Runs the migrations and dies before the n-th statement of all that they have, counted over the files.
DIES = """
import asyncio, os, re, signal, sys
import asyncpg
from node.migrations.apply import apply_migrations
from tests.integration.faults.test_migrations import statements

left = int(sys.argv[2])
execute = asyncpg.Connection.execute

async def one_by_one(self, script, *values, timeout=None):
    global left
    for statement in statements(script):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        await execute(self, statement)

asyncpg.Connection.execute = one_by_one
asyncio.run(apply_migrations(sys.argv[1]))
"""
_BODY = re.compile(r"\$\$.*?\$\$", re.DOTALL)


def statements(script: str) -> list[str]:
    """One by one; a function's body is no statement of its own."""
    bodies = _BODY.findall(script)
    parts = [part.strip() for part in _BODY.sub("$$BODY$$", re.sub(r"--[^\n]*", "", script)).split(";")]
    whole = []
    for part in filter(None, parts):
        pieces = part.split("$$BODY$$")
        whole.append(pieces[0] + "".join(bodies.pop(0) + piece for piece in pieces[1:]))
    return whole


async def killed_before(dsn: str, number: int) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", DIES, dsn, str(number))
    return await process.wait()


SCHEMA = """
SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns
WHERE table_schema = 'public' UNION ALL
SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace UNION ALL SELECT relname || ' ' || coalesce(relacl::text, '') FROM pg_class
WHERE relnamespace = 'public'::regnamespace
ORDER BY 1
"""


async def schema_of(dsn: str) -> list[str]:
    async with connected(dsn) as connection:
        return [row[0] for row in await connection.fetch(SCHEMA)]


FIRST, SECOND = (
    (Path(str(versions.__file__)).parent / name).read_text(encoding="utf-8")
    for name in ("0001_first_books.sql", "0002_the_books.sql")
)
PARTITIONS = 6  # and more: statements that make partitions, after the migrations
ACCOUNT = """
INSERT INTO accounts (id, owner, code, asset, debits_pending, debits_posted, credits_pending, credits_posted, flags)
VALUES ('cus_alice:balance:EUR', 'cus_alice', 'balance', 'EUR', 5, 12, 0, 2::numeric ^ 255, 1)
"""
KEPT = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted, flags FROM accounts"


def _moments(count: int, sample: set[int]) -> list[Any]:
    return [pytest.param(n, marks=() if n in sample else (pytest.mark.whole,)) for n in range(count)]


@pytest.mark.parametrize("number", _moments(len(statements(FIRST + SECOND)) + PARTITIONS, {0, 100}))
async def test_crs_14_a_first_start_killed_before_any_statement_is_made_whole_by_the_next(
    postgres_url: str, dsns: Dsns, number: int
) -> None:
    assert await killed_before(postgres_url, number) == -signal.SIGKILL
    await apply_migrations(postgres_url)
    await apply_migrations(postgres_url)
    assert await schema_of(postgres_url) == await schema_of(dsns.owner)


@pytest.mark.parametrize("number", _moments(len(statements(SECOND)) + PARTITIONS, {20}))
async def test_crs_14_an_upgrade_killed_before_any_statement_keeps_every_balance_and_is_made_whole_by_the_next_start(
    postgres_url: str, dsns: Dsns, number: int
) -> None:
    async with connected(postgres_url) as owner:
        await owner.execute(FIRST)
        await owner.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        await owner.execute("INSERT INTO alembic_version VALUES ('0001')")
        await owner.execute(ACCOUNT)
        balances, schema = await owner.fetch(KEPT), await schema_of(postgres_url)
        assert await killed_before(postgres_url, number) == -signal.SIGKILL
        assert await owner.fetch(KEPT) == balances
        if await owner.fetchval("SELECT version_num FROM alembic_version") == "0001":
            assert await schema_of(postgres_url) == schema
        await apply_migrations(postgres_url)
        assert await owner.fetch(KEPT) == balances
    made, wanted = await schema_of(postgres_url), await schema_of(dsns.owner)
    assert [line for line in made if "alembic" not in line] == [line for line in wanted if "alembic" not in line]


async def test_crs_14_an_older_release_refuses_a_newer_schema_and_changes_nothing(dsns: Dsns) -> None:
    async with connected(dsns.owner) as owner:
        await owner.execute("UPDATE alembic_version SET version_num = '9999'")
    before = await schema_of(dsns.owner)
    with pytest.raises(SchemaTooNew, match="9999"):
        await apply_migrations(dsns.owner)
    assert await schema_of(dsns.owner) == before
