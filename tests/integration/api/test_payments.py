import asyncio

from tests.integration.api.client import Reply, balance, shown
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
        assert (await side.client.get(f"/v1/payments/{paid.body['id']}")).body == shown(paid.body)
        assert (await side.client.get("/v1/payments")).body["items"] == [shown(paid.body)]
    assert await balance(alice.client, "EUR") == {"posted": "400.00", "held": "0.00", "available": "400.00"}
    assert await balance(bob.client, "EUR") == {"posted": "100.00", "held": "0.00", "available": "100.00"}


async def test_a_payment_without_the_money_is_refused_and_says_what_there_is(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="10.00"), await api_node.person()
    refused = await alice.client.post("/v1/payments", pay(bob.handle, "10.01"), key="too-much")
    assert (refused.status, refused.code) == (409, "insufficient_funds")
    shown = {name: refused.body[name] for name in ("asset", "needed", "available")}
    assert shown == {"asset": "EUR", "needed": "10.01", "available": "10.00"}
    assert alice.id not in refused.raw.decode()
    assert (await balance(bob.client, "EUR"))["posted"] == "0.00"


async def test_payments_to_nobody_and_to_oneself_are_refused(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="10.00")
    nobody = await alice.client.post("/v1/payments", pay("nobody_here", "1.00"), key="a")
    assert (nobody.status, nobody.code) == (404, "not_found")
    oneself = await alice.client.post("/v1/payments", pay(alice.handle, "1.00"), key="b")
    assert (oneself.status, oneself.code) == (403, "not_allowed")
    assert (await balance(alice.client, "EUR"))["posted"] == "10.00"


async def test_led_01_of_64_payments_of_a_whole_balance_over_two_instances_one_is_accepted(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    instances = (alice.client, api_node.other_instance.as_(alice.client.secret))
    start = asyncio.Event()

    async def attempt(number: int) -> Reply:
        await start.wait()
        return await instances[number % 2].post("/v1/payments", pay(bob.handle, "100.00"), key=f"all-{number}")

    attempts = [asyncio.create_task(attempt(number)) for number in range(64)]
    await asyncio.sleep(0)
    start.set()
    replies = await asyncio.gather(*attempts)
    assert sorted(reply.status for reply in replies) == [201] + [409] * 63
    assert {reply.code for reply in replies} == {None, "insufficient_funds"}
    assert (await balance(alice.client, "EUR"))["posted"] == "0.00"
    assert (await balance(bob.client, "EUR"))["posted"] == "100.00"


async def test_history_shows_each_movement_with_the_balance_after_it(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="9.00"), await api_node.person()
    for number in range(5):
        await alice.client.post("/v1/payments", pay(bob.handle, "1.00"), key=f"h-{number}")
    first = await alice.client.get("/v1/transfers?asset=EUR&limit=4")
    rest = await alice.client.get(f"/v1/transfers?asset=EUR&limit=4&cursor={first.body['next_cursor']}")
    lines = first.body["items"] + rest.body["items"]
    assert rest.body["next_cursor"] is None
    assert [line["posted_after"] for line in lines] == ["4.00", "5.00", "6.00", "7.00", "8.00", "9.00"]
    assert [line["direction"] for line in lines] == ["out"] * 5 + ["in"]
    assert lines[-1]["kind"] == "deposit.credited"


def pay(handle: str, amount: str) -> dict[str, object]:
    return {"to": f"@{handle}", "asset": "EUR", "amount": amount}
