"""More comes in than the Journal gets done: who is one too many is told to come later, and then pays as for the first time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from node.processes import attempts
from tests.integration.api.client import Reply, balance
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.wallet.changes import connected, proven

QUEUE = 5
ASKED = 120  # more than the writer takes into the batch after the one that is stuck, and the queue
_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
_KEYS = "SELECT array_agg(key ORDER BY key) FROM requests WHERE owner = $1"


@asynccontextmanager
async def stuck_writer(api_node: ApiNode) -> AsyncIterator[None]:
    """Somebody else holds the head of the journal, so that nothing gets committed meanwhile."""
    async with connected(api_node.dsns.owner) as connection, connection.transaction():
        await connection.execute("SELECT FROM journal_head FOR UPDATE")
        yield


async def until_stuck(api_node: ApiNode) -> None:
    async with connected(api_node.dsns.owner) as connection:
        async for _ in attempts(10.0):
            if await connection.fetchval(_WAITS):
                return
    raise TimeoutError("the writer does not wait for the head")


async def pay_each(payer: Person, payee: Person, keys: list[str]) -> dict[str, Reply]:
    content = {"to": payee.id, "asset": "EUR", "amount": "0.01"}
    replies = await asyncio.gather(*[payer.client.post("/v1/payments", content, key=key) for key in keys])
    return dict(zip(keys, replies, strict=True))


async def test_who_is_one_too_many_is_told_to_come_later_and_then_pays_once(
    api_node: ApiNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer, payee = await api_node.person(EUR="5.00"), await api_node.person()
    await pay_each(payer, payee, ["first"])
    monkeypatch.setattr("wallet.journal.lanes.QUEUE_MAX", QUEUE)
    keys = [f"crowd-{number:03}" for number in range(ASKED)]
    async with stuck_writer(api_node):
        early = asyncio.create_task(pay_each(payer, payee, ["stuck"]))
        await until_stuck(api_node)
        crowd = asyncio.create_task(pay_each(payer, payee, keys))
        async for _ in attempts(10.0):
            if api_node.world.context.journal.is_full:
                break
        ready = await api_node.anybody.get("/ready")
    replies = await crowd
    assert (await early)["stuck"].status == 201
    assert (ready.status, ready.body["reasons"]) == (503, ["journal"])
    late = [key for key, reply in replies.items() if reply.status != 201]
    assert 0 < len(late) < ASKED
    assert {(replies[key].status, replies[key].code, replies[key].headers["Retry-After"]) for key in late} == {
        (503, "unavailable", "1")
    }
    async with connected(api_node.dsns.books) as connection:
        assert set(await connection.fetchval(_KEYS, payer.id)).isdisjoint(late)
    assert (await balance(payee.client, "EUR"))["posted"] == f"0.{ASKED + 2 - len(late):02}"
    monkeypatch.undo()
    again = await pay_each(payer, payee, late)
    assert {(reply.status, reply.headers.get("Idempotent-Replayed")) for reply in again.values()} == {(201, None)}
    assert (await balance(payee.client, "EUR"))["posted"] == f"{(ASKED + 2) // 100}.{(ASKED + 2) % 100:02}"
    await proven(api_node.dsns.books)


async def test_a_batch_that_finds_no_room_says_so_for_each_item_and_is_repeated_under_the_same_keys(
    api_node: ApiNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer, payee = await api_node.person(EUR="5.00"), await api_node.person()
    items = [{"key": f"i-{n:03}", "to": payee.id, "asset": "EUR", "amount": "0.01"} for n in range(ASKED)]
    monkeypatch.setattr("wallet.journal.lanes.QUEUE_MAX", QUEUE)
    reply = await payer.client.post("/v1/payments/batch", {"items": items}, key="no-room")
    told = [(item["status"], item["problem"] and item["problem"]["code"]) for item in reply.body["items"]]
    assert set(told) == {(201, None), (503, "unavailable")}
    monkeypatch.undo()
    again = await payer.client.post("/v1/payments/batch", {"items": items}, key="no-room")
    assert [item["status"] for item in again.body["items"]] == [201] * ASKED
    assert [item["replayed"] for item in again.body["items"]] == [status == 201 for status, _ in told]
    assert (await balance(payee.client, "EUR"))["posted"] == f"{ASKED // 100}.{ASKED % 100:02}"
    await proven(api_node.dsns.books)
