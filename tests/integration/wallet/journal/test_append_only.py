"""LED-12: what is written in the journal and in the transfers stays as it was written."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from node.database import Dsns
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid, proven
from wallet.journal import Journal

TABLES = ("journal", "transfers", "journal_000000", "transfers_000000")
ATTEMPTS = (
    "UPDATE {} SET seq = seq + 100",
    "UPDATE {} SET seq = seq",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "TRUNCATE {} CASCADE",
)


@pytest.fixture
async def books(dsns: Dsns, journal: Journal) -> AsyncIterator[Dsns]:
    await journal.commit(credited(ALICE, 100))
    await journal.commit(paid(ALICE, BOB, 10))
    yield dsns
    await proven(dsns.books)


async def refused(dsn: str, *attempts: str) -> None:
    async with connected(dsn) as connection:
        for attempt in attempts:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(attempt)


@pytest.mark.parametrize("role", ["owner", "books", "ops"])
async def test_led_12_no_role_changes_what_is_written(books: Dsns, role: str) -> None:
    attempts = [attempt.format(table) for table in TABLES for attempt in ATTEMPTS]
    await refused(getattr(books, role), *attempts)


async def test_led_12_partitions_of_later_rows_are_protected_before_they_are_used(books: Dsns) -> None:
    later = [f"TRUNCATE {table}_{number:06d}" for table in ("journal", "transfers") for number in (1, 2)]
    await refused(books.owner, *later)


@pytest.mark.parametrize("role", ["books", "ops"])
async def test_led_12_the_nodes_roles_cannot_take_the_protection_away(books: Dsns, role: str) -> None:
    await refused(
        getattr(books, role),
        "DROP TABLE journal",
        "ALTER TABLE journal DISABLE TRIGGER ALL",
        "ALTER TABLE journal DETACH PARTITION journal_000000",
        "DROP TRIGGER journal_append_only ON journal",
        "SET session_replication_role = replica",
        "CREATE TABLE theirs (n int)",
    )


@pytest.mark.parametrize("role", ["books", "ops"])
async def test_led_12_nothing_of_the_books_is_deleted_and_no_answer_is_rewritten(books: Dsns, role: str) -> None:
    tables = (
        "accounts",
        "holds",
        "vault_items",
        "requests",
        "journal_head",
        "journal_viewers",
        "withdrawals",
        "assets",
    )
    deletes = [f"DELETE FROM {table}" for table in tables]
    truncates = [f"TRUNCATE {table}" for table in tables]
    await refused(getattr(books, role), *deletes, *truncates, "UPDATE requests SET refusal = '{}'")


async def test_led_12_the_operational_role_cannot_write_the_books(books: Dsns) -> None:
    await refused(
        books.ops,
        "UPDATE accounts SET credits_posted = credits_posted + 1",
        "UPDATE journal_head SET seq = seq + 1",
        "UPDATE holds SET remaining = 0",
        "UPDATE assets SET paused = true",
        "UPDATE vault_items SET commitment = ''",
        "INSERT INTO transfers SELECT * FROM transfers",
        "INSERT INTO journal SELECT * FROM journal",
    )
