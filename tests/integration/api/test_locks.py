"""Somebody else's process holds a lock of the database for long: whoever waits for it is told to come again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from node import compose
from node.database import Dsns
from tests.fakes.world import running_world
from tests.integration.api.client import Client, balance, serving
from tests.integration.api.test_payments import pay
from tests.integration.wallet.changes import proven
from tests.locks import locked
from wallet.access.keys import CUSTOMER_SCOPES
from wallet.journal import connection

PATIENCE_S = 0.7
ANSWERED_WITHIN_S = 5.0  # on busy cores; it is the patience of one wait or two


@asynccontextmanager
async def impatient(dsns: Dsns, folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Client, Client, str]]:
    """Alice, who has money, Bob, and Bob's handle. Waits are short where the product bounds them at all."""
    for settings in (connection.SESSION, compose.READING):
        if "lock_timeout" in settings:
            patch.setitem(settings, "lock_timeout", f"{round(PATIENCE_S * 1000)}ms")
    async with running_world(dsns, folder) as world, serving(world.context) as client:
        alice, bob = await world.customer("alice"), await world.customer("bob")
        await world.fund(alice, "EUR", "10.00")
        keys = [await world.key(owner, *CUSTOMER_SCOPES) for owner in (alice, bob)]
        yield client.as_(keys[0]), client.as_(keys[1]), "bob"


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT FROM journal_head FOR UPDATE", id="head"),
        pytest.param("SELECT FROM accounts FOR UPDATE", id="balances", marks=pytest.mark.whole),
        pytest.param("LOCK TABLE transfers", id="table", marks=pytest.mark.whole),
    ],
)
async def test_crs_06_a_payment_waits_for_a_lock_with_a_bound_and_leaves_nothing_half(
    dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    async with impatient(dsns, tmp_path, monkeypatch) as (alice, bob, handle):
        with locked(dsns.owner, sql):
            began = time.monotonic()
            asked = [alice.post("/v1/payments", pay(handle, "1.00"), key=f"k{n}") for n in range(3)]
            replies = await asyncio.wait_for(asyncio.gather(*asked), ANSWERED_WITHIN_S)
            assert time.monotonic() - began >= PATIENCE_S
            assert {(reply.status, reply.code) for reply in replies} == {(503, "unavailable")}
            assert all(reply.headers["Retry-After"] == "1" for reply in replies)
        assert (await balance(bob, "EUR"))["posted"] == "0.00"
        again = [await alice.post("/v1/payments", pay(handle, "1.00"), key=f"k{n}") for n in (0, 1, 2, 0, 1, 2)]
        assert {reply.status for reply in again} == {201}
        assert await balance(bob, "EUR") == {"posted": "3.00", "held": "0.00", "available": "3.00"}
        await proven(dsns.books)


async def test_crs_06_reads_go_on_beside_a_locked_head_and_never_wait_for_a_locked_table_for_long(
    dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with impatient(dsns, tmp_path, monkeypatch) as (alice, _, _):
        with locked(dsns.owner, "SELECT FROM journal_head FOR UPDATE"):
            assert (await balance(alice, "EUR"))["available"] == "10.00"
        with locked(dsns.owner, "LOCK TABLE accounts"):
            reply = await asyncio.wait_for(alice.get("/v1/balances"), ANSWERED_WITHIN_S)
            assert (reply.status, reply.code, reply.headers["Retry-After"]) == (503, "unavailable", "1")
        assert (await balance(alice, "EUR"))["available"] == "10.00"
