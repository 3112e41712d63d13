"""Payments in bulk: each accepted or refused on its own, once, whatever is repeated."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.integration.api.client import Client, Reply, balance
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.api.test_platforms import available, fed, sub_accounts
from tests.integration.wallet.changes import connected
from wallet.assets.pause import pause_asset, resume_asset


def item(key: str, to: str, amount: str = "1.00", **more: str) -> dict[str, str]:
    return {"key": key, "to": to, "asset": "EUR", "amount": amount, **more}


async def send(client: Client, key: str, *items: dict[str, str]) -> Reply:
    return await client.post("/v1/payments/batch", {"items": list(items)}, key=key)


def told(reply: Reply) -> list[tuple[int, str | None, bool]]:
    """Status, code and whether it was said before, of each item."""
    assert reply.status == 200, reply.raw
    return [(i["status"], i["problem"] and i["problem"]["code"], i["replayed"]) for i in reply.body["items"]]


async def test_each_item_is_accepted_or_refused_on_its_own_and_in_order(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="10.00"), await api_node.person()
    sent = [
        item("a", f"@{bob.handle}", "4.00", note="first"),
        item("b", bob.id, "7.00"),
        item("c", "nobody_here"),
        item("d", alice.handle),
        item("e", bob.handle, "1.001"),
        {**item("f", bob.handle), "asset": "XAU"},
        item("g", bob.handle, "0.00"),
        item("h", bob.handle, "6.00"),
    ]
    reply = await send(alice.client, "mixed", *sent)
    assert told(reply) == [
        (201, None, False),
        (409, "insufficient_funds", False),
        (404, "not_found", False),
        (403, "not_allowed", False),
        (400, "invalid_request", False),
        (404, "not_found", False),
        (400, "amount_refused", False),
        (201, None, False),
    ]
    assert [outcome["key"] for outcome in reply.body["items"]] == list("abcdefgh")
    assert reply.body["items"][1]["problem"]["available"] == "6.00"
    assert (await balance(bob.client, "EUR"))["posted"] == "10.00"
    first = (await bob.client.get(f"/v1/payments/{reply.body['items'][0]['id']}")).body
    assert (first["amount"], first["note"]) == ("4.00", "first")


async def test_whatever_is_repeated_is_answered_from_memory(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="10.00"), await api_node.person()
    items = (item("a", bob.handle, "4.00"), item("b", bob.handle, "7.00"))
    first = await send(alice.client, "one", *items)
    assert "Idempotent-Replayed" not in first.headers
    again = await send(alice.client, "one", *items)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert told(again) == [(201, None, True), (409, "insufficient_funds", True)]
    elsewhere = await send(alice.client, "two", item("c", bob.handle), *items)
    assert told(elsewhere) == [(201, None, False), (201, None, True), (409, "insufficient_funds", True)]
    alone = await alice.client.post("/v1/payments", {"to": bob.handle, "asset": "EUR", "amount": "4.0"}, key="a")
    assert (alone.body["id"], alone.headers["Idempotent-Replayed"]) == (first.body["items"][0]["id"], "true")
    assert (await balance(bob.client, "EUR"))["posted"] == "5.00"


async def test_idm_02_a_key_used_for_something_else_is_refused(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="10.00"), await api_node.person()
    await send(alice.client, "batch", item("a", bob.handle))
    other = await send(alice.client, "batch", item("b", bob.handle))
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    of_item = await send(alice.client, "next", item("a", bob.handle, "2.00"), item("c", bob.handle))
    assert told(of_item) == [(422, "idempotency_key_reused", False), (201, None, False)]
    twice = await send(alice.client, "twice", item("x", bob.handle), item("x", bob.handle))
    assert (twice.status, twice.body["field"]) == (400, "items")
    assert (await balance(bob.client, "EUR"))["posted"] == "2.00"


async def test_idm_01_batches_that_race_with_the_same_items_pay_each_once(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    doors = [client.as_(alice.client.secret) for client in (api_node.anybody, api_node.other_instance)]
    items = [item(f"i-{number}", bob.handle) for number in range(50)]
    replies = await asyncio.gather(
        *[send(doors[n % 2], f"race-{n % 4}", *items[n % 4 :], *items[: n % 4]) for n in range(16)]
    )
    found = [outcome for reply in replies for outcome in reply.body["items"]]
    assert {outcome["status"] for outcome in found} == {201}
    assert len({(outcome["key"], outcome["id"]) for outcome in found}) == 50
    assert sum(not outcome["replayed"] for outcome in found) == 50
    assert (await balance(bob.client, "EUR"))["posted"] == "50.00"


async def test_what_was_paid_stays_paid_when_the_asset_is_paused_since(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="10.00"), await api_node.person()
    paid = await send(alice.client, "before", item("a", bob.handle))
    context = api_node.world.context
    await pause_asset(context, "test", "EUR", "a test")
    try:
        during = await send(alice.client, "during", item("a", bob.handle), item("b", bob.handle))
    finally:
        await resume_asset(context, "test", "EUR", "over")
    assert told(during) == [(201, None, True), (409, "asset_paused", False)]
    assert during.body["items"][0]["id"] == paid.body["items"][0]["id"]
    assert told(await send(alice.client, "after", item("b", bob.handle))) == [(201, None, False)]


async def test_idm_06_a_client_reference_is_refused_after_its_request_is_forgotten(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="20.00"), await api_node.person()
    other = await api_node.person(EUR="20.00")
    named = {"to": bob.handle, "asset": "EUR", "amount": "1.00", "client_reference": "invoice-1"}
    paid = await alice.client.post("/v1/payments", named, key="k")
    assert paid.body["client_reference"] == "invoice-1"
    assert (await bob.client.get(f"/v1/payments/{paid.body['id']}")).body["client_reference"] is None
    async with connected(api_node.dsns.owner) as connection:
        gone = await connection.execute("DELETE FROM requests WHERE owner = $1", alice.id)
    assert gone == "DELETE 1"
    elsewhere = api_node.other_instance.as_(alice.client.secret)  # where it is not in the process's memory either
    for key in ("k", "another"):
        refused = await elsewhere.post("/v1/payments", named, key=key)
        assert (refused.status, refused.code) == (409, "duplicate_reference"), key
    batch = await send(alice.client, "b", *[item(k, bob.handle, client_reference=f"invoice-{k}") for k in "12"])
    assert told(batch) == [(409, "duplicate_reference", False), (201, None, False)]
    assert (await other.client.post("/v1/payments", named, key="k")).status == 201  # a payer's own names
    assert (await balance(bob.client, "EUR"))["posted"] == "3.00"


async def test_a_platform_pays_in_bulk_between_its_own_and_nobody_elses(api_node: ApiNode) -> None:
    platform, other = await api_node.platform(EUR="5.00"), await api_node.platform()
    payer = await fed(api_node, platform, "payer", "EUR", "10.00")
    await sub_accounts(platform, "payee")
    await sub_accounts(other, "payee", "theirs")
    (theirs,) = (await other.client.get("/v1/customers?limit=1")).body["items"]
    reply = await send(
        platform.client,
        "own",
        item("a", "ref:payee", "2.00", **{"from": "ref:payer"}),
        item("b", "ref:payee", "3.00"),
        item("c", platform.id, "1.00", **{"from": payer}),
        item("d", "ref:theirs"),
        item("e", theirs["id"]),
        item("f", "ref:payee", **{"from": theirs["id"]}),
    )
    assert [status for status, _, _ in told(reply)] == [201, 201, 201, 404, 404, 404]
    assert [await available(platform.client, name) for name in ("ref:payer", "ref:payee")] == ["7.00", "5.00"]
    stolen = await send(other.client, "steal", item("a", "ref:payee", **{"from": payer}), item("b", payer))
    assert [status for status, _, _ in told(stolen)] == [404, 404]


async def test_a_thousand_items_cost_a_handful_of_queries(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="500.00"), await api_node.person()
    items = [item(f"k-{number}", bob.handle if number % 2 else bob.id, "0.50") for number in range(1_000)]
    with counted(api_node) as statements:
        reply = await send(alice.client, "thousand", *items)
    assert set(told(reply)) == {(201, None, False)}
    assert 0 < len(statements) <= 8
    assert (await balance(alice.client, "EUR"))["posted"] == "0.00"
    too_many = await send(alice.client, "more", *items, item("one-more", bob.handle))
    assert (too_many.status, too_many.code) == (400, "invalid_request")


@contextmanager
def counted(api_node: ApiNode) -> Iterator[list[str]]:
    """The statements that use cases read with, those of the Journal apart."""
    engine, statements = api_node.world.context.reads.sync_engine, []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", count)


async def test_nobody_pays_without_the_scope(api_node: ApiNode) -> None:
    alice: Person = await api_node.person(EUR="1.00")
    reader = await alice.client.post("/v1/api-keys", {"scopes": ["read"], "label": "reader"})
    refused = await send(api_node.anybody.as_(reader.body["secret"]), "k", item("a", alice.id))
    assert (refused.status, refused.code) == (403, "scope_missing")
