"""The usual design, for comparison: one transaction per payment, both rows locked in their order, 32 connections.

It keeps what a careful service would keep: a key that makes the payment repeatable, a balance that cannot go below zero, the
payment's own row. No chain, no events, no balances after each transfer: less work than the Journal does.
"""

import asyncio
import random
from time import perf_counter, process_time

import asyncpg

from tests.bench.callers import Slice

CONNECTIONS = 32
FUNDED_UNITS = 10**12
_TABLES = """
CREATE TABLE IF NOT EXISTS row_accounts (id bigint PRIMARY KEY, units numeric(78, 0) NOT NULL CHECK (units >= 0))
    WITH (fillfactor = 70);
CREATE TABLE IF NOT EXISTS row_payments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE, payer bigint NOT NULL,
    payee bigint NOT NULL, units numeric(78, 0) NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);
"""
_FUND = """
INSERT INTO row_accounts SELECT n, $2::text::numeric FROM generate_series(0, $1::int - 1) AS n ON CONFLICT DO NOTHING
"""
_LOCK = "SELECT id, units::text FROM row_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE"
_MOVE = """
UPDATE row_accounts SET units = units + CASE id WHEN $1 THEN -($3::text::numeric) ELSE $3::text::numeric END
WHERE id IN ($1, $2)
"""
_PAY = (
    "INSERT INTO row_payments (key, payer, payee, units) VALUES ($1, $2, $3, $4::text::numeric) ON CONFLICT DO NOTHING"
)

_Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


async def prepare(dsn: str, accounts: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TABLES)
        await connection.execute(_FUND, accounts, str(FUNDED_UNITS))
    finally:
        await connection.close()


async def run_row_locks(dsn: str, accounts: int, waiting: int, seconds: int, *, hot: bool) -> Slice:
    """So many callers who share the connections, for so long; payees at random, or always the same one."""
    found = Slice(waiting, seconds)
    pool = await asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS)
    spent_s, deadline = process_time(), perf_counter() + seconds
    try:
        async with asyncio.TaskGroup() as group:
            for caller in range(waiting):
                group.create_task(_call_until(pool, accounts, caller, hot, deadline, found))
    finally:
        await pool.close()
    found.cpu_s = process_time() - spent_s
    return found


async def _call_until(pool: asyncpg.Pool, accounts: int, caller: int, hot: bool, deadline: float, found: Slice) -> None:
    number = 0
    while (asked := perf_counter()) < deadline:
        payer = random.randrange(1, accounts)
        payee = 0 if hot else (payer + random.randrange(1, accounts)) % accounts
        number += 1
        async with pool.acquire() as connection:
            await _pay(connection, f"{deadline}-{caller}-{number}", payer, payee, random.randint(1, 10_000))
        answered = perf_counter()
        if answered <= deadline:
            found.accepted += 1
            found.latencies_s.append(answered - asked)


async def _pay(connection: _Connection, key: str, payer: int, payee: int, units: int) -> None:
    async with connection.transaction():
        if await connection.execute(_PAY, key, payer, payee, str(units)) != "INSERT 0 1":
            return
        rows = await connection.fetch(_LOCK, [payer, payee])
        if next(int(row["units"]) for row in rows if row["id"] == payer) >= units:
            await connection.execute(_MOVE, payer, payee, str(units))
