"""Platforms and their sub-accounts: made in bulk, named by reference, and nobody else's."""

import asyncio
from typing import Any

import pytest

from api.json_body import BATCH_BYTES_MAX
from tests.integration.api.client import Client, Reply, balance, shown
from tests.integration.api.conftest import ApiNode, Person
from wallet.access.keys import CUSTOMER_SCOPES, Scope


async def sub_accounts(platform: Person, *references: str, networks: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    items = [{"reference": reference, "addresses": list(networks)} for reference in references]
    made = await platform.client.post("/v1/customers/batch", {"items": items})
    assert made.status == 200, made.raw
    return list(made.body["items"])


async def fed(api_node: ApiNode, platform: Person, reference: str, symbol: str, text: str) -> str:
    """A sub-account that has received this from outside; its id."""
    (made,) = await sub_accounts(platform, reference)
    await api_node.world.fund(made["id"], symbol, text)
    return str(made["id"])


async def available(client: Client, name: str, symbol: str = "EUR") -> str:
    items = (await client.get(f"/v1/balances?customer={name}")).body["items"]
    (found,) = [item["available"] for item in items if item["asset"] == symbol]
    return str(found)


def moved(payer: str, payee: str, amount: str) -> dict[str, str]:
    return {"from": payer, "to": payee, "asset": "EUR", "amount": amount}


async def test_a_batch_makes_customers_with_addresses_and_repeated_gives_the_same(api_node: ApiNode) -> None:
    platform = await api_node.platform()
    first = await sub_accounts(platform, "order-1", "order-2", networks=("bitcoin", "sepa"))
    assert [(item["reference"], item["platform"], item["handle"], item["created"]) for item in first] == [
        ("order-1", platform.id, None, True),
        ("order-2", platform.id, None, True),
    ]
    assert [[address["network"] for address in item["addresses"]] for item in first] == [["bitcoin", "sepa"]] * 2
    assert len({address["address"] for item in first for address in item["addresses"]}) == 4
    again = await sub_accounts(platform, "order-2", "order-3", "order-1", networks=("bitcoin", "sepa", "ethereum"))
    assert [item["created"] for item in again] == [False, True, False]
    assert [again[2]["id"], again[0]["id"]] == [item["id"] for item in first]
    assert again[2]["addresses"][:2] == first[0]["addresses"]
    listed = (await platform.client.get("/v1/addresses?customer=ref:order-1")).body["items"]
    assert {item["id"] for item in listed} == {item["id"] for item in again[2]["addresses"]}


async def test_batches_that_race_for_the_same_references_make_each_once(api_node: ApiNode) -> None:
    platform = await api_node.platform()
    doors = [client.as_(platform.client.secret) for client in (api_node.anybody, api_node.other_instance)]
    items = [{"reference": f"race-{number}", "addresses": ["ethereum"]} for number in range(40)]

    async def attempt(number: int) -> Reply:
        own = items[number:] + items[:number]
        return await doors[number % 2].post("/v1/customers/batch", {"items": own[:30]})

    replies = await asyncio.gather(*[attempt(number) for number in range(0, 40, 5)])
    assert {reply.status for reply in replies} == {200}
    found = [item for reply in replies for item in reply.body["items"]]
    assert len({(item["reference"], item["id"], item["addresses"][0]["address"]) for item in found}) == 40
    assert sum(item["created"] for item in found) == 40


async def test_a_bad_batch_makes_nothing(api_node: ApiNode) -> None:
    platform = await api_node.platform()
    bad: list[tuple[list[dict[str, object]], int]] = [
        ([], 400),
        ([{"reference": "a"}, {"reference": "a"}], 400),
        ([{"reference": "a"}, {"reference": "b b"}], 400),
        ([{"reference": "a"}, {"reference": "x" * 65}], 400),
        ([{"reference": "a", "addresses": ["nowhere"]}], 404),
        ([{"reference": f"n-{number}"} for number in range(1_001)], 400),
    ]
    for items, status in bad:
        assert (await platform.client.post("/v1/customers/batch", {"items": items})).status == status, items[:2]
    assert (await platform.client.get("/v1/customers")).body["items"] == []


async def test_a_platform_lists_its_own_by_keyset_and_nobody_elses(api_node: ApiNode) -> None:
    platform, other = await api_node.platform(), await api_node.platform()
    mine = await sub_accounts(platform, *[f"c-{number}" for number in range(5)])
    await sub_accounts(other, "c-1")
    found, path = [], "/v1/customers?limit=2"
    while path:
        page = (await platform.client.get(path)).body
        found += [item["id"] for item in page["items"]]
        path = page["next_cursor"] and f"/v1/customers?limit=2&cursor={page['next_cursor']}"
    assert found == sorted([item["id"] for item in mine], reverse=True)


async def test_money_moves_between_accounts_of_one_platform_in_its_name(api_node: ApiNode) -> None:
    platform = await api_node.platform(EUR="5.00")
    payer = await fed(api_node, platform, "payer", "EUR", "100.00")
    await sub_accounts(platform, "payee")
    paid = await platform.client.post("/v1/payments", moved("ref:payer", "ref:payee", "30.00"), key="m-1")
    assert (paid.status, paid.body["payer"], paid.body["payer_handle"]) == (201, payer, None)
    again = await platform.client.post("/v1/payments", moved("ref:payer", "ref:payee", "30.00"), key="m-1")
    assert (again.body, again.headers["Idempotent-Replayed"]) == (paid.body, "true")
    other_payer = await platform.client.post("/v1/payments", moved("ref:payee", "ref:payee", "30.00"), key="m-1")
    assert (other_payer.status, other_payer.code) == (422, "idempotency_key_reused")
    assert (await platform.client.post("/v1/payments", moved(payer, platform.id, "20.00"), key="m-2")).status == 201
    own = {"to": "ref:payee", "asset": "EUR", "amount": "1.00"}
    assert (await platform.client.post("/v1/payments", own, key="m-3")).status == 201
    assert [await available(platform.client, name) for name in ("ref:payer", "ref:payee")] == ["50.00", "31.00"]
    assert (await balance(platform.client, "EUR"))["available"] == "24.00"
    assert (await platform.client.get(f"/v1/payments/{paid.body['id']}")).body == shown(paid.body)
    events = (await platform.client.get("/v1/events")).body["items"]
    assert next(event["data"]["id"] for event in events if event["type"] == "payment.sent") == paid.body["id"]
    listed = (await platform.client.get("/v1/payments?customer=ref:payee")).body["items"]
    assert [item["amount"] for item in listed] == ["1.00", "30.00"]


async def test_a_platform_withdraws_for_a_sub_account_and_cancels(api_node: ApiNode) -> None:
    platform = await api_node.platform()
    await fed(api_node, platform, "leaver", "EUR", "40.00")
    destination = {"address": "outside-1", "name": "Bob"}
    sent = {"network": "sepa", "asset": "EUR", "amount": "10.00", "destination": destination, "customer": "ref:leaver"}
    made = await platform.client.post("/v1/withdrawals", sent, key="w")
    assert (made.status, made.body["destination"]["name"]) == (201, "Bob")
    assert await available(platform.client, "ref:leaver") == "30.00"
    stranger = await api_node.platform()
    assert (await stranger.client.post(f"/v1/withdrawals/{made.body['id']}/cancel", key="c")).status == 404
    gone = await platform.client.post(f"/v1/withdrawals/{made.body['id']}/cancel", key="c")
    assert gone.body["status"] == "cancelled", gone.raw
    assert await available(platform.client, "ref:leaver") == "40.00"


async def test_a_platform_follows_what_happens_to_its_sub_accounts(api_node: ApiNode) -> None:
    platform, other = await api_node.platform(), await api_node.platform()
    sub = await fed(api_node, platform, "followed", "EUR", "10.00")
    withdrawn = await platform.client.post("/v1/withdrawals", {**WITHDRAWAL, "customer": sub}, key="w")
    cancelled = await platform.client.post(f"/v1/withdrawals/{withdrawn.body['id']}/cancel", key="c")
    assert (withdrawn.status, cancelled.status) == (201, 200)
    events = (await platform.client.get("/v1/events")).body["items"]
    told = [event["type"] for event in events if event["data"].get("customer") == sub]
    assert [told[0], *told[-3:]] == [
        "deposit.detected",
        "deposit.credited",
        "withdrawal.requested",
        "withdrawal.cancelled",
    ]
    assert sub not in str((await other.client.get("/v1/events")).body)


async def test_i10_nothing_of_another_platform_exists(api_node: ApiNode) -> None:
    """Every way to name a sub-account, tried by another platform, by an ordinary customer, and by the owner without the
    platform's scope."""
    platform, other = await api_node.platform(EUR="10.00"), await api_node.platform(EUR="10.00")
    customer = await api_node.person(EUR="10.00")
    sub = await fed(api_node, platform, "mine", "EUR", "10.00")
    await sub_accounts(other, "theirs")
    narrow = api_node.anybody.as_(await api_node.world.key(platform.id, *CUSTOMER_SCOPES))
    deposit = (await platform.client.get("/v1/deposits?customer=ref:mine")).body["items"][0]["id"]
    paths = [
        *[f"/v1/{what}?customer={name}" for what in LISTS for name in (sub, "ref:mine")],
        *[f"/v1/transfers?asset=EUR&customer={name}" for name in (sub, "ref:mine")],
        f"/v1/customers/{sub}",
        "/v1/customers/ref:mine",
        f"/v1/deposits/{deposit}",
    ]
    for path in paths:
        assert (await platform.client.get(path)).status == 200, path
        for stranger in (other.client, customer.client, narrow):
            refused = await stranger.get(path)
            assert (refused.status, refused.code) == (404, "not_found"), path
    attempts: list[dict[str, str]] = [
        moved(sub, other.id, "1.00"),
        moved(sub, "ref:theirs", "1.00"),
        moved("ref:mine", other.id, "1.00"),
        moved(other.id, sub, "1.00"),
        {"to": sub, "asset": "EUR", "amount": "1.00"},
    ]
    for number, content in enumerate(attempts):
        refused = await other.client.post("/v1/payments", content, key=f"steal-{number}")
        assert (refused.status, refused.code) == (404, "not_found"), content
    assert (await customer.client.post("/v1/payments", attempts[-1], key="to-sub")).status == 404
    for what, own in (("addresses", {"network": "sepa"}), ("withdrawals", WITHDRAWAL)):
        refused = await other.client.post(f"/v1/{what}", {**own, "customer": sub}, key=f"steal-{what}")
        assert (refused.status, refused.code) == (404, "not_found"), what
    outside = await platform.client.post("/v1/payments", moved(sub, customer.handle, "1.00"), key="out")
    assert outside.status == 404
    assert await available(platform.client, sub) == "10.00"


LISTS = ("balances", "addresses", "deposits", "withdrawals", "payments")
WITHDRAWAL = {
    "network": "sepa",
    "asset": "EUR",
    "amount": "1.00",
    "destination": {"address": "outside-1", "name": "Bob"},
}


async def test_only_operators_make_a_platform_and_never_out_of_a_sub_account(api_node: ApiNode) -> None:
    platform, customer = await api_node.platform(), await api_node.person()
    wanted = {"scopes": ["platform", "read"], "label": "wider"}
    for client in (customer.client, platform.client):
        refused = await client.post("/v1/api-keys", wanted)
        assert (refused.status, refused.code) == (403, "not_allowed")
    (sub,) = await sub_accounts(platform, "small")
    refused = await api_node.operator.post("/v1/api-keys", {**wanted, "owner": sub["id"]})
    assert (refused.status, refused.code) == (403, "not_allowed")
    made = await api_node.operator.post("/v1/api-keys", {**wanted, "owner": customer.id})
    assert (made.status, made.body["scopes"]) == (201, ["platform", "read"])
    assert (await api_node.operator.post("/v1/api-keys", wanted)).status == 403


async def test_a_sub_account_with_a_key_of_its_own_is_a_customer_without_a_handle(api_node: ApiNode) -> None:
    platform = await api_node.platform()
    sub = await fed(api_node, platform, "keyed", "EUR", "10.00")
    made = await api_node.operator.post("/v1/api-keys", {"scopes": ["read", "pay"], "label": "x", "owner": sub})
    client = api_node.anybody.as_(made.body["secret"])
    me = (await client.get("/v1/me")).body
    assert (me["owner"], me["handle"], me["customer"]["reference"]) == (sub, None, "keyed")
    content = {"to": f"@{platform.handle}", "asset": "EUR", "amount": "1.00"}
    assert (await client.post("/v1/payments", content, key="up")).body["payer_handle"] is None
    assert (await client.get("/v1/customers")).status == 403
    listed = (await api_node.operator.get("/v1/customers")).body["items"]
    assert [item["reference"] for item in listed if item["id"] == sub] == ["keyed"]


@pytest.mark.parametrize("scope", sorted(CUSTOMER_SCOPES))
async def test_a_scope_beside_it_is_not_the_platforms(api_node: ApiNode, scope: Scope) -> None:
    customer = await api_node.person()
    client = api_node.anybody.as_(await api_node.world.key(customer.id, scope))
    refused = await client.post("/v1/customers/batch", {"items": [{"reference": "a"}]})
    assert (refused.status, refused.code) == (403, "scope_missing")


async def test_a_batch_may_be_larger_than_other_bodies_and_has_its_limit(api_node: ApiNode) -> None:
    platform = await api_node.platform()
    whole = {"items": [{"reference": f"{number:04}" + "x" * 60} for number in range(1_000)]}
    made = await platform.client.post("/v1/customers/batch", whole)
    assert (made.status, len(made.body["items"])) == (200, 1_000)
    padded = b'{"items": [' + b" " * BATCH_BYTES_MAX + b"]}"
    assert (await platform.client.send("POST", "/v1/customers/batch", raw=padded)).code == "body_too_large"
