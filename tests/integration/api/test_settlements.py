"""Settlements over the API: all legs or none, between accounts of one platform, and once."""

import asyncio
from typing import Any

from tests.integration.api.client import Client, Reply, balance, shown
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.api.test_payment_batches import told
from tests.integration.api.test_platforms import available, fed, sub_accounts
from wallet.access.keys import CUSTOMER_SCOPES, Scope

Legs = list[dict[str, str]]


def leg(source: str, to: str, symbol: str, amount: str) -> dict[str, str]:
    return {"from": source, "to": to, "asset": symbol, "amount": amount}


def trade(fee: str = "15.00") -> Legs:
    """Ann gives bitcoin, Ben gives euro, the platform takes its fee out of what Ann got."""
    return [
        leg("ref:ann", "ref:ben", "BTC", "0.50000000"),
        leg("ref:ben", "ref:ann", "EUR", "3000.00"),
        leg("ref:ann", "fees", "EUR", fee),
    ]


async def settle(client: Client, key: str, legs: Legs, **more: str) -> Reply:
    return await client.post("/v1/settlements", {"legs": legs, **more}, key=key)


async def exchange(api_node: ApiNode) -> Person:
    """A platform with Ann, who has 1 BTC, and Ben, who has 5,000 EUR."""
    platform = await api_node.platform()
    await fed(api_node, platform, "ann", "BTC", "1")
    await fed(api_node, platform, "ben", "EUR", "5000.00")
    return platform


async def standing(client: Client) -> list[str]:
    asked = [("ref:ann", "BTC"), ("ref:ann", "EUR"), ("ref:ben", "BTC"), ("ref:ben", "EUR")]
    return [await available(client, name, symbol) for name, symbol in asked]


async def collected(client: Client) -> list[dict[str, str]]:
    return list((await client.get("/v1/balances")).body["collected"])


async def test_a_trade_moves_all_of_its_legs_and_is_told(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    posted = await settle(platform.client, "t-1", trade(), client_reference="trade-1")
    assert posted.status == 201, posted.raw
    assert posted.body["legs"][2]["to"] == "fees"
    assert [set(told_leg) for told_leg in posted.body["legs"]] == [{"from", "hold", "to", "asset", "amount"}] * 3
    assert await standing(platform.client) == ["0.50000000", "2985.00", "0.50000000", "2000.00"]
    assert await collected(platform.client) == [{"account": "fees", "asset": "EUR", "amount": "15.00"}]
    again = await settle(platform.client, "t-1", trade(), client_reference="trade-1")
    assert (again.body, again.headers["Idempotent-Replayed"]) == (posted.body, "true")
    assert (await platform.client.get(posted.headers["Location"])).body == shown(posted.body)
    assert (await platform.client.get("/v1/settlements")).body["items"] == [shown(posted.body)]
    events = (await platform.client.get("/v1/events")).body["items"]
    assert [e["data"]["id"] for e in events if e["type"] == "settlement.posted"] == [posted.body["id"]]
    twice = await settle(platform.client, "t-2", trade("1.00"), client_reference="trade-1")
    assert (twice.status, twice.code) == (409, "duplicate_reference")
    assert await standing(platform.client) == ["0.50000000", "2985.00", "0.50000000", "2000.00"]


async def test_a_trade_of_which_one_leg_is_not_covered_moves_nothing(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    before = await standing(platform.client)
    refused = await settle(platform.client, "t", [*trade(), leg("ref:ben", "markup", "EUR", "2000.01")])
    assert (refused.status, refused.code) == (409, "insufficient_funds")
    ben = (await platform.client.get("/v1/customers/ref:ben")).body["id"]
    assert refused.body["account"] == f"{ben}:balance:EUR"
    again = await settle(platform.client, "t", [*trade(), leg("ref:ben", "markup", "EUR", "2000.01")])
    assert (again.body["account"], again.headers["Idempotent-Replayed"]) == (f"{ben}:balance:EUR", "true")
    assert await standing(platform.client) == before
    assert await collected(platform.client) == []
    assert (await platform.client.get("/v1/settlements")).body["items"] == []


async def test_what_was_collected_moves_to_the_platforms_own_balance_and_nowhere_else(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    assert (await settle(platform.client, "t", trade())).status == 201
    stray = [leg("fees", "ref:ben", "EUR", "1.00"), leg("ref:ben", "self", "EUR", "1.00")]
    refused = await settle(platform.client, "stray", stray)
    assert (refused.status, refused.code) == (403, "not_allowed")
    own = [leg("fees", "self", "EUR", "10.00"), leg("fees", platform.id, "EUR", "5.00")]
    assert (await settle(platform.client, "own", own)).status == 201
    assert (await balance(platform.client, "EUR"))["available"] == "15.00"
    assert [item["amount"] for item in await collected(platform.client)] == ["0.00"]
    over = await settle(
        platform.client, "over", [leg("fees", "self", "EUR", "0.01"), leg("self", "fees", "EUR", "0.01")]
    )
    assert (over.status, over.code) == (409, "insufficient_funds")


async def test_i10_a_settlement_reaches_no_account_of_another(api_node: ApiNode) -> None:
    platform, other, customer = await exchange(api_node), await exchange(api_node), await api_node.person(EUR="9.00")
    theirs = (await other.client.get("/v1/customers/ref:ben")).body["id"]
    before = await standing(other.client)
    for number, (source, to) in enumerate(
        [(theirs, "ref:ann"), (theirs, "self"), ("ref:ben", theirs), (customer.id, "self"), (other.id, "fees")]
    ):
        stolen = await settle(platform.client, f"s-{number}", [*trade(), leg(source, to, "EUR", "1.00")])
        assert (stolen.status, stolen.code) == (404, "not_found"), (source, to)
    batch = {"items": [{"key": "a", "legs": [*trade(), leg(theirs, "self", "EUR", "1.00")]}]}
    assert told(await platform.client.post("/v1/settlements/batch", batch, key="b")) == [(404, "not_found", False)]
    posted = await settle(platform.client, "mine", trade())
    assert (await other.client.get(f"/v1/settlements/{posted.body['id']}")).status == 404
    assert (await other.client.get("/v1/settlements")).body["items"] == []
    assert await standing(other.client) == before
    assert (await settle(customer.client, "c", trade())).code == "scope_missing"
    for scopes in (CUSTOMER_SCOPES, {Scope.PLATFORM, Scope.READ}):  # both are needed: for customers, and money
        narrow = api_node.anybody.as_(await api_node.world.key(platform.id, *scopes))
        assert (await settle(narrow, "n", trade())).code == "scope_missing"
        assert (await narrow.post("/v1/settlements/batch", batch, key="n")).code == "scope_missing"


async def test_a_batch_settles_each_trade_on_its_own_and_once(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    items: list[dict[str, Any]] = [
        {"key": "a", "legs": trade(), "client_reference": "r-1"},
        {"key": "b", "legs": [leg("ref:ben", "ref:ann", "EUR", "2000.01"), leg("ref:ann", "fees", "EUR", "1.00")]},
        {"key": "c", "legs": [leg("ref:nobody", "ref:ann", "EUR", "1.00"), leg("ref:ann", "fees", "EUR", "1.00")]},
        {"key": "d", "legs": [leg("ref:ben", "ref:ann", "EUR", "0.001"), leg("ref:ann", "fees", "EUR", "1.00")]},
        {"key": "e", "legs": [leg("ref:ben", "ref:ann", "EUR", "2000.00"), leg("ref:ann", "markup", "EUR", "2.00")]},
        {"key": "f", "legs": trade(), "client_reference": "r-1"},
    ]
    first = await platform.client.post("/v1/settlements/batch", {"items": items}, key="b-1")
    codes = [None, "insufficient_funds", "not_found", "invalid_request", None, "duplicate_reference"]
    assert [(status, code) for status, code, _ in told(first)] == list(
        zip([201, 409, 404, 400, 201, 409], codes, strict=True)
    )
    ben = (await platform.client.get("/v1/customers/ref:ben")).body["id"]
    assert first.body["items"][1]["problem"]["account"] == f"{ben}:balance:EUR"
    again = await platform.client.post("/v1/settlements/batch", {"items": items[:5]}, key="b-2")
    assert [replayed for _, _, replayed in told(again)] == [True, True, False, False, True]
    assert [i["id"] for i in again.body["items"]] == [i["id"] for i in first.body["items"][:5]]
    alone = await settle(platform.client, "a", trade(), client_reference="r-1")
    assert alone.body["id"] == first.body["items"][0]["id"]
    other = await platform.client.post("/v1/settlements/batch", {"items": items[:1]}, key="b-1")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert await standing(platform.client) == ["0.50000000", "4983.00", "0.50000000", "0.00"]


async def test_led_01_of_64_settlements_of_the_same_money_over_two_instances_one_is_accepted(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    instances = [client.as_(platform.client.secret) for client in (api_node.anybody, api_node.other_instance)]
    legs = [leg("ref:ann", "ref:ben", "BTC", "1.00000000"), leg("ref:ben", "ref:ann", "EUR", "60.00")]
    replies = await asyncio.gather(*[settle(instances[n % 2], f"race-{n}", legs) for n in range(64)])
    assert sorted(reply.status for reply in replies) == [201] + [409] * 63
    assert {reply.code for reply in replies} == {None, "insufficient_funds"}
    assert await standing(platform.client) == ["0.00000000", "60.00", "1.00000000", "4940.00"]


async def test_a_settlement_that_makes_no_sense_is_refused(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    whole = trade()
    bad: list[tuple[Legs, int, str]] = [
        (whole[:1], 400, "invalid_request"),
        (whole * 34, 400, "invalid_request"),
        ([whole[0], leg("ref:ben", "ref:ben", "EUR", "1.00")], 403, "not_allowed"),
        ([whole[0], leg("ref:ben", "ref:ann", "EUR", "0.00")], 400, "amount_refused"),
        ([whole[0], leg("ref:ben", "ref:ann", "XAU", "1")], 404, "not_found"),
        ([whole[0], leg("@alice", "ref:ann", "EUR", "1.00")], 400, "invalid_request"),
    ]
    for number, (legs, status, code) in enumerate(bad):
        refused = await settle(platform.client, f"bad-{number}", legs)
        assert (refused.status, refused.code) == (status, code), legs
    assert await standing(platform.client) == ["1.00000000", "0.00", "0.00000000", "5000.00"]


async def test_a_party_with_a_key_sees_its_own_movements_and_not_the_legs(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    (ann,) = await sub_accounts(platform, "ann")
    client = api_node.anybody.as_(await api_node.world.key(ann["id"], *CUSTOMER_SCOPES))
    posted = await settle(platform.client, "t", trade())
    events = (await client.get("/v1/events")).body["items"]
    (event,) = [event for event in events if event["type"] == "settlement.posted"]
    assert event["data"]["id"] == posted.body["id"]
    ben = (await platform.client.get("/v1/customers/ref:ben")).body["id"]
    assert ben not in str(events)
    assert (await client.get("/v1/settlements")).status == 403
