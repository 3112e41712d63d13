"""A page, a past balance and the next events look at a handful of blocks, whatever the planner knows, and however long an
account was silent."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from node.database import Dsns
from tests.integration.wallet.changes import connected
from wallet.ids import CustomerId
from wallet.journal.events import events_statement
from wallet.ledger.balances import past_statement
from wallet.movements.pages import PageWanted, page_statement

TRANSFERS = 40_000
SILENT_AFTER = 20_000
BLOCKS_MAX = 300  # the tables have thousands

BUSY, SILENT = CustomerId("cus_busy"), CustomerId("cus_silent")
_ROWS = """
INSERT INTO journal (seq, at, kind, actor, body, hash)
SELECT n, now(), 'payment.sent', 'node', convert_to(repeat('x', 600), 'UTF8'), decode(repeat('00', 32), 'hex')
FROM generate_series(1, $1::int) AS n
"""
_TRANSFERS = """
INSERT INTO transfers (seq, ordinal, move, debit_account, credit_account, asset, units,
                       debit_posted_after, debit_held_after, credit_posted_after, credit_held_after)
SELECT n, 0, 'post', CASE WHEN n <= $2::int THEN 'cus_silent' ELSE 'cus_other' END || ':balance:EUR',
       'cus_busy:balance:EUR', 'EUR', 1, 0, 0, n, 0
FROM generate_series(1, $1::int) AS n
"""
_ACCOUNTS = """
INSERT INTO accounts (id, owner, code, asset, debits_pending, debits_posted, credits_pending, credits_posted, flags)
SELECT owner || ':balance:EUR', owner, 'balance', 'EUR', 0, 0, 0, 0, 0 FROM unnest($1::text[]) AS owner
"""


@pytest.fixture(params=["analysed", "not analysed"])
async def long_books(dsns: Dsns, request: pytest.FixtureRequest) -> AsyncIterator[asyncpg.Connection]:
    """Rows put there past the Journal: only their number matters. The connection plans without looking at values."""
    async with connected(dsns.owner) as owner:
        for table in ("journal_000000", "transfers_000000"):
            await owner.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        await owner.execute(_ROWS, TRANSFERS)
        await owner.execute(_TRANSFERS, TRANSFERS, SILENT_AFTER)
        await owner.execute(_ACCOUNTS, [BUSY, SILENT])
        if request.param == "analysed":
            await owner.execute("ANALYZE")
        yield owner


async def blocks(connection: asyncpg.Connection, statement: TextClause, mode: str) -> int:
    """How many blocks the statement touched."""
    dialect: Any = PGDialect_asyncpg
    compiled = statement.compile(dialect=dialect())
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    await connection.execute(f"SET plan_cache_mode = {mode}")
    (plan,) = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {compiled}", *values)
    top: dict[str, Any] = json.loads(plan[0])[0]["Plan"]
    return int(top["Shared Hit Blocks"]) + int(top["Shared Read Blocks"])


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
async def test_the_next_events_read_no_more_than_a_few_blocks(long_books: asyncpg.Connection, mode: str) -> None:
    for viewer in (BUSY, SILENT):
        for place in (0, SILENT_AFTER - 10, SILENT_AFTER + 10, TRANSFERS - 10):
            assert await blocks(long_books, events_statement(viewer, place, 20), mode) < BLOCKS_MAX, (viewer, place)


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
async def test_no_page_and_no_past_balance_reads_more_than_a_few_blocks(
    long_books: asyncpg.Connection, mode: str
) -> None:
    for owner in (BUSY, SILENT):
        wanted = PageWanted((f"{owner}:balance:EUR",))
        for place in (2, SILENT_AFTER, TRANSFERS):
            for ascending in (True, False):
                statement = page_statement(wanted, (place, 0), 20, ascending=ascending)
                assert await blocks(long_books, statement, mode) < BLOCKS_MAX, (owner, place, ascending)
            assert await blocks(long_books, past_statement([owner], place), mode) < BLOCKS_MAX, (owner, place)
        filtered = PageWanted(wanted.accounts, kind="payment.refused")
        assert await blocks(long_books, page_statement(filtered, None, 20, ascending=False), mode) < 40 * BLOCKS_MAX
