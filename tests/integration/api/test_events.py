import asyncio

from tests.integration.api.conftest import ApiNode, Person


async def pay(payer: Person, payee: Person, key: str) -> None:
    content = {"to": f"@{payee.handle}", "asset": "EUR", "amount": "1.00", "note": "canary"}
    assert (await payer.client.post("/v1/payments", content, key=key)).status == 201


async def test_events_come_in_order_and_each_once(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="9.00"), await api_node.person()
    for number in range(5):
        await pay(alice, bob, f"e-{number}")
    found, path = [], "/v1/events?limit=2"
    while items := (page := (await alice.client.get(path)).body)["items"]:
        found += items
        path = f"/v1/events?limit=2&cursor={page['next_cursor']}"
    kinds = [event["type"] for event in found]
    assert kinds.count("payment.sent") == 5
    assert kinds[0] == "customer.created"
    assert [event["at"] for event in found] == sorted(event["at"] for event in found)
    await pay(alice, bob, "one-more")
    assert [event["type"] for event in (await alice.client.get(path)).body["items"]] == ["payment.sent"]


async def test_an_event_tells_nothing_of_the_inside(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="9.00"), await api_node.person()
    await pay(alice, bob, "inside")
    raw = (await bob.client.get("/v1/events")).raw.decode()
    for inside in ("canary", "seq", "writes", "requires", "hash", "balance:", "house"):
        assert inside not in raw


async def test_waiting_ends_when_something_happens(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="9.00"), await api_node.person()
    cursor = (await bob.client.get("/v1/events")).body["next_cursor"]
    waiting = asyncio.create_task(bob.client.get(f"/v1/events?wait=20&cursor={cursor}"))
    await pay(alice, bob, "wake")
    async with asyncio.timeout(10):
        woken = await waiting
    assert [event["type"] for event in woken.body["items"]] == ["payment.sent"]
    nothing = await bob.client.get(f"/v1/events?wait=1&cursor={woken.body['next_cursor']}")
    assert nothing.body == {"items": [], "next_cursor": woken.body["next_cursor"]}
