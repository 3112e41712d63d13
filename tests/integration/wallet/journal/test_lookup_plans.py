"""A batch's look-ups cost as much as what they ask for, and not its square."""

import asyncpg
import pytest

from node.database import Dsns
from tests.integration.wallet.changes import connected
from wallet.journal import connection as lines
from wallet.journal import lookups

MANY = """
INSERT INTO accounts SELECT 'cus_' || n || ':balance:EUR', 'cus_' || n, 'balance', 'EUR', 0, 0, 0, 100, 1
FROM generate_series(1, 5000) AS n
"""


@pytest.mark.parametrize("analysed", [False, True])
async def test_each_account_that_is_found_is_compared_with_one_id(dsns: Dsns, analysed: bool) -> None:
    async with connected(dsns.owner) as owner:
        await owner.execute("ALTER TABLE accounts SET (autovacuum_enabled = false)")
        await owner.execute(MANY)
        if analysed:
            await owner.execute("ANALYZE accounts")
    line = await lines.connect(dsns.books)
    try:
        plan = await _plan(line, lookups.TOTALS)
    finally:
        await line.close()
    assert "accounts" in plan
    assert "Nested Loop" in plan
    assert "ANY" not in plan


async def _plan(line: asyncpg.Connection, statement: str) -> str:
    await line.execute(f"PREPARE looked_up AS {statement}")
    return "\n".join(row[0] for row in await line.fetch("EXPLAIN EXECUTE looked_up ('{a,b}')"))
