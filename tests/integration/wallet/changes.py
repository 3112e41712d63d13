"""Small Changes as the use cases make them, and what the tests read back from the tables."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import asyncpg

from node.clock import SystemClock
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, EventKind, Insert, Journal, Request, Update
from wallet.journal.body import request_digest
from wallet.ledger import accounts, templates
from wallet.ledger.transfers import hold, settle, void
from wallet.money import Amount, Asset
from wallet.proofs.verify import Proof, verify

EUR = Asset("EUR", 2)
ETH = Asset("ETH", 18)
BANK = NetworkId("sepa")
ALICE, BOB = CustomerId("cus_alice"), CustomerId("cus_bob")
_FRESH = count()


def request(owner: str, key: str, **meaning: object) -> Request:
    return Request(owner, "payment.send", key, request_digest(meaning))


def credited(owner: CustomerId, units: int, asset: Asset = EUR) -> Change:
    """Money that arrived, with the room at the bank that it lies in."""
    entry = templates.deposit_credited(owner, BANK, Amount(units, asset), swept_later=False)
    return Change("node", EventKind.DEPOSIT_CREDITED, {"n": next(_FRESH)}, entry=entry, viewers=(owner,))


def paid(
    payer: CustomerId, payee: CustomerId, units: int, *, asset: Asset = EUR, key: str | None = None, meaning: int = 0
) -> Change:
    """`meaning` is the amount of which the request's digest speaks, where a test lies about it."""
    entry = templates.payment_sent(payer, payee, Amount(units, asset))
    told = request(payer, key, units=meaning or units) if key is not None else None
    result = {"paid": str(units), "try": next(_FRESH)}
    return Change(str(payer), EventKind.PAYMENT_SENT, result, entry=entry, request=told, result=result)


def held(owner: CustomerId, units: int, name: str, asset: Asset = EUR) -> Change:
    """A withdrawal's hold."""
    balance, transit = accounts.customer_balance(owner, asset), accounts.transit(BANK, asset)
    entry = (hold(balance, transit, Amount(units, asset), HoldId(name)),)
    return Change(str(owner), EventKind.WITHDRAWAL_REQUESTED, {"hold": name}, entry=entry)


def voided(owner: CustomerId, units: int, name: str, asset: Asset = EUR) -> Change:
    balance, transit = accounts.customer_balance(owner, asset), accounts.transit(BANK, asset)
    entry = (void(balance, transit, Amount(units, asset), HoldId(name)),)
    return Change(str(owner), EventKind.WITHDRAWAL_CANCELLED, {"hold": name}, entry=entry)


def settled(owner: CustomerId, units: int, name: str, asset: Asset = EUR) -> Change:
    """The hold is paid out: the value has left the bank account for transit, and the customer's claim pays for it."""
    amount = Amount(units, asset)
    balance, transit = accounts.customer_balance(owner, asset), accounts.transit(BANK, asset)
    left = templates.submission_reserved(
        accounts.hot(BANK, asset), BANK, amount, Amount(0, asset), accounts.hot(BANK, asset)
    )
    entry = (*left, settle(balance, transit, amount, HoldId(name)))
    return Change("node", EventKind.WITHDRAWAL_FINAL, {"hold": name}, entry=entry)


def listed(symbol: str = "EUR") -> Change:
    """The row of an asset, for tests that write rows."""
    row = {"id": symbol, "decimals": 2, "paused": False, "pause_reason": None}
    return Change("node", EventKind.ASSET_LISTED, {"asset": symbol}, writes=(Insert("assets", row),))


def paused(version: int, reason: str, symbol: str = "EUR") -> Change:
    update = Update("assets", symbol, version, {"paused": True, "pause_reason": reason})
    return Change("node", EventKind.ASSET_PAUSED, {"asset": symbol, "reason": reason}, writes=(update,))


@asynccontextmanager
async def running(dsn: str) -> AsyncIterator[Journal]:
    """A Journal of its own, as another process would have."""
    journal = Journal(dsn, SystemClock())
    await journal.start()
    try:
        yield journal
    finally:
        await journal.stop()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def posted_and_held(dsn: str, owner: CustomerId, asset: Asset = EUR) -> tuple[int, int]:
    row = await _one(
        dsn,
        "SELECT (credits_posted - debits_posted)::text AS posted, debits_pending::text AS held FROM accounts WHERE id = $1",
        accounts.customer_balance(owner, asset).id,
    )
    return (int(row["posted"]), int(row["held"])) if row else (0, 0)


async def count_of(dsn: str, table: str) -> int:
    row = await _one(dsn, f"SELECT count(*) AS n FROM {table}")
    return int(row["n"])


async def _one(dsn: str, sql: str, *values: object) -> Any:
    async with connected(dsn) as connection:
        return await connection.fetchrow(sql, *values)


async def proven(dsn: str) -> Proof:
    """Raises `BooksBroken`."""
    async with connected(dsn) as connection:
        return await verify(connection)
