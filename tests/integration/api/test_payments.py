import asyncio

from tests.integration.api.conftest import ApiNode


async def test_a_payment_moves_money_and_both_sides_see_it(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="500.00"), await api_node.person()
    sent = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "100.00", "note": "for lunch"}
    paid = await alice.client.post("/v1/payments", sent, key="lunch-1")
    assert paid.status == 201, paid.raw
    assert paid.body["payer_handle"] == alice.handle
    assert paid.body["note"] == "for lunch"
    assert paid.headers["Location"] == f"/v1/payments/{paid.body['id']}"
    for side in (alice, bob):
        assert (await side.client.get(f"/v1/payments/{paid.body['id']}")).body == paid.body
        assert (await side.client.get("/v1/payments")).body["items"] == [paid.body]
    assert await balance(alice.client, "EUR") == "400.00"
    assert await balance(bob.client, "EUR") == "100.00"


async def balance(client, asset):
    items = (await client.get("/v1/balances")).body["items"]
    return next(item["available"] for item in items if item["asset"] == asset)
