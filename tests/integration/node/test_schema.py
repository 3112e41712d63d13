"""The migrated database is what the core believes it is, and each role may do what it needs and no more."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, LargeBinary, Numeric, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from node.database import Dsns
from node.migrations.apply import prepare_partitions
from tests.architecture.test_one_committer import BOOKS, OPERATIONAL
from wallet.schema import ROWS, UNIQUE, Units, metadata

TYPES = (
    (Units, "numeric"),
    (Numeric, "numeric"),
    (SmallInteger, "smallint"),
    (BigInteger, "bigint"),
    (Integer, "integer"),
    (Boolean, "boolean"),
    (DateTime, "timestamp with time zone"),
    (Date, "date"),
    (LargeBinary, "bytea"),
    (JSONB, "jsonb"),
    (Text, "text"),
)
_TABLES = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
AND NOT c.relispartition AND c.relname <> 'alembic_version'
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
"""
_KEYS = r"""
SELECT i.indisprimary AS primary, array_agg(a.attname ORDER BY k.place) AS columns
FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = $1::text::regclass AND i.indisunique
AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) ~ '^\(\w+ IS NOT NULL\)$') GROUP BY i.indexrelid, i.indisprimary
"""
SET_LATER = {("network", "tx"), ("tx",)}
"""Unique, but filled in by an update: the database alone guards it."""
_RIGHTS = """
SELECT right_name FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) right_name
WHERE has_table_privilege($1, $2::text, right_name)
"""


@pytest.fixture
async def owner(dsns: Dsns) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsns.owner)
    yield connection
    await connection.close()


def type_of(column: Column[Any]) -> str:
    if isinstance(column.type, ARRAY):
        return "text[]"
    return next(name for kind, name in TYPES if isinstance(column.type, kind))


async def rights(connection: asyncpg.Connection, role: str, table: str) -> set[str]:
    return {row[0] for row in await connection.fetch(_RIGHTS, role, table)}


async def test_the_core_knows_every_table(owner: asyncpg.Connection) -> None:
    assert {row[0] for row in await owner.fetch(_TABLES)} == set(metadata.tables)


async def test_the_core_knows_every_column_and_its_type(owner: asyncpg.Connection) -> None:
    for name, table in metadata.tables.items():
        found = {row["attname"]: row["type"] for row in await owner.fetch(_COLUMNS, name)}
        assert found == {column.name: type_of(column) for column in table.columns}, name


async def test_keys_and_unique_columns_are_those_that_the_journal_judges_by(owner: asyncpg.Connection) -> None:
    for name, table in metadata.tables.items():
        keys = await owner.fetch(_KEYS, name)
        primary = [set(key["columns"]) for key in keys if key["primary"]]
        others = {tuple(key["columns"]) for key in keys if not key["primary"]}
        assert primary == [{column.name for column in table.primary_key}], name
        assert others - SET_LATER == set(UNIQUE.get(name, ())), name


async def test_rows_that_changes_write_have_an_id_and_a_version() -> None:
    for name, table in ROWS.items():
        assert {"id", "version"} <= set(table.columns.keys()), name
        assert [column.name for column in table.primary_key] == ["id"], name


async def test_the_journal_and_its_transfers_can_only_grow(owner: asyncpg.Connection) -> None:
    for table in ("journal", "transfers", "journal_batches", "journal_viewers", "requests", "vault_items"):
        assert await rights(owner, "coffer_books", table) == {"SELECT", "INSERT"}, table


async def test_the_books_role_writes_the_books_and_deletes_nothing(owner: asyncpg.Connection) -> None:
    for table in BOOKS:
        assert {"SELECT"} <= await rights(owner, "coffer_books", table) <= {"SELECT", "INSERT", "UPDATE"}, table
    for table in OPERATIONAL:
        assert await rights(owner, "coffer_books", table) == {"SELECT"}, table


async def test_the_operational_role_has_no_right_to_write_the_books(owner: asyncpg.Connection) -> None:
    for table in BOOKS:
        assert await rights(owner, "coffer_ops", table) == {"SELECT"}, table
    for table in OPERATIONAL:
        assert await rights(owner, "coffer_ops", table) == {"SELECT", "INSERT", "UPDATE", "DELETE"}, table


async def test_the_operational_role_may_empty_a_ciphertext_and_no_other_column(owner: asyncpg.Connection) -> None:
    sql = "SELECT has_column_privilege('coffer_ops', 'vault_items', $1::text, 'UPDATE')"
    columns = [column.name for column in metadata.tables["vault_items"].columns]
    allowed = {name for name in columns if await owner.fetchval(sql, name)}
    assert allowed == {"ciphertext"}


async def test_partitions_cannot_be_written_past_their_table(dsns: Dsns, owner: asyncpg.Connection) -> None:
    partitions = [
        row[0] for row in await owner.fetch("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    ]
    assert partitions
    for role in ("coffer_books", "coffer_ops"):
        for partition in partitions:
            assert await rights(owner, role, partition) <= {"SELECT"}, (role, partition)


async def test_ops_02_a_journal_whose_time_ran_ahead_still_has_room_for_requests(owner: asyncpg.Connection) -> None:
    """The journal's time never goes back: after a clock that was years ahead for a moment, requests go on being dated so."""
    await owner.execute("UPDATE journal_head SET at = '2036-05-01T12:00:00Z'")
    await prepare_partitions(owner)
    await owner.execute(
        "INSERT INTO requests (day, owner, operation, key, digest, seq) VALUES ('2036-05-01', 'o', 'p', 'k', '', 1)"
    )
