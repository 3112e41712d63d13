"""AUD-01, exhaustively: of every table that Changes write, whatever column is altered and whichever row is added or removed,
the proof names the place. New tables and columns are in here without anybody thinking of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from node.database import Dsns
from tests.databases import FreshDatabases
from tests.integration.wallet.changes import connected, proven, running
from wallet.journal import Change, EventKind, Insert
from wallet.proofs.verify import BooksBroken, verify
from wallet.schema import ROWS, Units

A_DAY = datetime(2026, 11, 22, tzinfo=UTC)
CONSTRAINED: dict[str, dict[str, Any]] = {"customers": {"platform": None, "reference": None}}
ELSEWHERE = {"journal_keys", "archives"}  # keys are proven by the batches that they sign, archives by their files
TABLES = sorted(str(name) for name in ROWS if name not in ELSEWHERE)


def written_columns(name: str) -> list[Column[Any]]:
    """All but those that the database counts by itself, in the order of commits: they say nothing that the journal does not."""
    return [column for column in ROWS[name].c if column.identity is None]


def value_for(table: Table, column: Column[Any]) -> object:
    own = CONSTRAINED.get(str(table.name), {})
    if column.name in own:
        return own[column.name]
    kinds: list[tuple[type, object]] = [
        (Text, f"{table.name}.{column.name}"),
        (Units, 7),
        (Boolean, False),
        (DateTime, A_DAY),
        (LargeBinary, b"\x07" * 32),
        (ARRAY, ("one", "two")),
        (JSONB, {"of": str(column.name)}),
        (BigInteger, 7),
        (Integer, 7),
    ]
    return next(value for kind, value in kinds if isinstance(column.type, kind))


def altered(column: Column[Any]) -> str:
    name = f'"{column.name}"'
    kinds: list[tuple[type, str]] = [
        (Text, f"coalesce({name}, '') || 'x'"),
        (Units, f"{name} + 1"),
        (Boolean, f"NOT {name}"),
        (DateTime, f"{name} + interval '1 microsecond'"),
        (LargeBinary, f"set_bit({name}, 3, 1 - get_bit({name}, 3))"),
        (ARRAY, f"{name} || '{{x}}'::text[]"),
        (JSONB, f"{name} || '{{\"x\": 1}}'::jsonb"),
        (BigInteger, f"{name} + 1"),
        (Integer, f"{name} + 1"),
    ]
    return next(f"{name} = {sql}" for kind, sql in kinds if isinstance(column.type, kind))


@pytest.fixture(scope="module")
async def written(databases: FreshDatabases) -> AsyncIterator[Dsns]:
    """A row in each table, all columns filled that may be."""
    dsns = await databases.migrated()
    async with running(dsns.books) as journal:
        for name in TABLES:
            row = {
                str(column.name): value_for(ROWS[name], column)
                for column in written_columns(name)
                if column.name != "version"
            }
            await journal.commit(Change("test", EventKind.DAY_BEGUN, {}, writes=(Insert(name, row),)))
    yield dsns
    assert (await proven(dsns.books)).seq == len(TABLES)
    await databases.drop(dsns.owner)


@pytest.mark.parametrize("name", TABLES)
async def test_aud_01_no_column_and_no_row_of_a_table_is_outside_of_the_proof(written: Dsns, name: str) -> None:
    fixed = CONSTRAINED.get(name, {})
    changed = [column for column in written_columns(name) if column.name not in fixed]
    copied = ", ".join("id || 'x'" if column.name == "id" else f'"{column.name}"' for column in written_columns(name))
    names = ", ".join(f'"{column.name}"' for column in written_columns(name))
    attacks = [f"UPDATE {name} SET {altered(column)}" for column in changed]
    attacks += [f"DELETE FROM {name}", f"INSERT INTO {name} ({names}) SELECT {copied} FROM {name}"]
    async with connected(written.owner) as connection:
        await connection.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        for (unique,) in await connection.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'u'", name
        ):
            await connection.execute(f"ALTER TABLE {name} DROP CONSTRAINT {unique}")
        for (index,) in await connection.fetch(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::text::regclass AND indisunique"
            " AND NOT indisprimary",
            name,
        ):
            await connection.execute(f"DROP INDEX {index}")
        for attack in attacks:
            undone = connection.transaction(isolation="repeatable_read")
            await undone.start()
            try:
                assert (await connection.execute(attack)).endswith(" 1"), f"did nothing: {attack}"
                with pytest.raises(BooksBroken, match=rf"\b{name}\b"):
                    await verify(connection)
            finally:
                await undone.rollback()
