"""IDM-01, IDM-02 and IDM-03: a retry pays once, whatever it goes through; a key stands for one meaning of one owner."""

import asyncio
import json
import unicodedata

from tests.integration.api.client import Reply, balance
from tests.integration.api.conftest import ApiNode, Person


def withdrawal(amount: str = "1.00", name: str = "Bob") -> dict[str, object]:
    destination = {"address": "outside-1", "name": name}
    return {"network": "sepa", "asset": "EUR", "amount": amount, "destination": destination}


def payment(to: Person, amount: str = "1.00", note: str | None = None) -> dict[str, object]:
    return {"to": f"@{to.handle}", "asset": "EUR", "amount": amount, "note": note}


async def in_parallel(api_node: ApiNode, person: Person, path: str, content: object, key: str) -> list[Reply]:
    """The same request 100 times at once, over two instances of the node."""
    instances = (person.client, api_node.other_instance.as_(person.client.secret))
    return await asyncio.gather(*[instances[n % 2].post(path, content, key=key) for n in range(100)])


async def test_idm_01_the_same_withdrawal_a_hundred_times_in_parallel_is_one(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="500.00")
    replies = await in_parallel(api_node, alice, "/v1/withdrawals", withdrawal("5.00"), "one")
    assert {reply.status for reply in replies} == {201}
    assert len({reply.raw for reply in replies}) == 1
    assert sum("Idempotent-Replayed" not in reply.headers for reply in replies) == 1
    assert len((await alice.client.get("/v1/withdrawals")).body["items"]) == 1
    assert await balance(alice.client, "EUR") == {"posted": "500.00", "held": "5.00", "available": "495.00"}


async def test_idm_01_the_same_payment_a_hundred_times_in_parallel_is_one(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="500.00"), await api_node.person()
    replies = await in_parallel(api_node, alice, "/v1/payments", payment(bob, "5.00", "hello"), "one")
    assert {reply.status for reply in replies} == {201}
    assert len({reply.raw for reply in replies}) == 1
    assert (await balance(bob.client, "EUR"))["posted"] == "5.00"


async def test_idm_01_a_refusal_is_repeated_when_the_money_has_come_since(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="1.00"), await api_node.person()
    first = await alice.client.post("/v1/payments", payment(bob, "2.00"), key="early")
    await api_node.world.fund(alice.id, "EUR", "100.00")
    again = await alice.client.post("/v1/payments", payment(bob, "2.00"), key="early")
    assert (again.status, again.raw) == (first.status, first.raw) == (409, first.raw)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await balance(bob.client, "EUR"))["posted"] == "0.00"


async def test_idm_01_another_api_key_of_the_same_owner_gets_the_same_answer(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person()
    made = await alice.client.post("/v1/api-keys", {"scopes": ["pay"], "label": "rotated"})
    first = await alice.client.post("/v1/payments", payment(bob), key="rotate")
    again = await alice.client.as_(made.body["secret"]).post("/v1/payments", payment(bob), key="rotate")
    assert first.raw == again.raw
    assert (await balance(bob.client, "EUR"))["posted"] == "1.00"


async def test_idm_02_another_meaning_under_the_same_key_is_refused_and_does_nothing(api_node: ApiNode) -> None:
    alice, bob, carol = await api_node.person(EUR="900.00"), await api_node.person(), await api_node.person()
    await alice.client.post("/v1/payments", payment(bob, "1.00", "tea"), key="k")
    await alice.client.post("/v1/withdrawals", withdrawal("1.00"), key="k")
    others = [
        ("/v1/payments", payment(bob, "100.00", "tea")),
        ("/v1/payments", payment(bob, "1.00", "coffee")),
        ("/v1/payments", payment(bob, "1.00")),
        ("/v1/payments", payment(carol, "1.00", "tea")),
        ("/v1/withdrawals", withdrawal("100.00")),
        ("/v1/withdrawals", withdrawal("1.00", name="Carol")),
    ]
    for path, content in others:
        reply = await alice.client.post(path, content, key="k")
        assert (reply.status, reply.code) == (422, "idempotency_key_reused"), content
    assert await balance(alice.client, "EUR") == {"posted": "899.00", "held": "1.00", "available": "898.00"}


async def test_idm_02_another_spelling_of_the_same_meaning_is_a_replay(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="900.00"), await api_node.person()
    note = "crème brûlée"
    first = await alice.client.post("/v1/payments", payment(bob, "1.00", note), key="k")
    spellings = [
        json.dumps(dict(reversed(payment(bob, "1.00", note).items()))).encode(),
        json.dumps(payment(bob, "1.00", note), indent=4, ensure_ascii=False).encode(),
        json.dumps(payment(bob, "1.00", unicodedata.normalize("NFD", note)), ensure_ascii=False).encode(),
        json.dumps(payment(bob, "1", note)).encode(),
        json.dumps({**payment(bob, "1.0", note), "to": bob.handle}).encode(),
        json.dumps(payment(bob, "1.00", note)).replace("EUR", "\\u0045UR").encode(),
    ]
    for raw in spellings:
        again = await alice.client.send("POST", "/v1/payments", raw=raw, key="k")
        assert again.raw == first.raw, raw
        assert again.headers["Idempotent-Replayed"] == "true"
    assert (await balance(bob.client, "EUR"))["posted"] == "1.00"


async def test_idm_03_keys_of_different_owners_and_operations_are_independent(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person(EUR="5.00")
    paid = await alice.client.post("/v1/payments", payment(bob), key="same")
    back = await bob.client.post("/v1/payments", payment(alice), key="same")
    sent = await alice.client.post("/v1/withdrawals", withdrawal(), key="same")
    assert [reply.status for reply in (paid, back, sent)] == [201, 201, 201]
    assert paid.body["id"] != back.body["id"]


async def test_without_a_key_no_money_moves(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person()
    wdr = (await alice.client.post("/v1/withdrawals", withdrawal(), key="w")).body["id"]
    for path, content in (
        ("/v1/payments", payment(bob)),
        ("/v1/withdrawals", withdrawal()),
        (f"/v1/withdrawals/{wdr}/cancel", None),
    ):
        reply = await alice.client.post(path, content)
        assert (reply.status, reply.code) == (400, "idempotency_key_required"), path
    assert await balance(alice.client, "EUR") == {"posted": "5.00", "held": "1.00", "available": "4.00"}


async def test_what_was_not_valid_is_not_remembered(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="5.00"), await api_node.person()
    assert (await alice.client.post("/v1/payments", payment(bob, "1,00"), key="typo")).status == 400
    assert (await alice.client.post("/v1/payments", payment(bob, "1.00"), key="typo")).status == 201


async def test_customers_and_keys_are_made_once_per_key(api_node: ApiNode) -> None:
    content = {"handle": "@once_only", "name": "Once Only", "email": "once@example.org"}
    first = await api_node.operator.post("/v1/customers", content, key="c")
    again = await api_node.operator.post("/v1/customers", content, key="c")
    assert first.status == 201
    assert (first.raw, first.headers["Location"]) == (again.raw, again.headers["Location"])
    keyed = {"owner": "@once_only", "scopes": ["read"], "label": "x"}
    made = await api_node.operator.post("/v1/api-keys", keyed, key="k")
    repeated = await api_node.operator.post("/v1/api-keys", keyed, key="k")
    assert made.body["secret"].startswith("coffer_")
    assert repeated.body == {**made.body, "secret": None}


async def test_a_taken_handle_is_refused_the_same_way_on_every_retry(api_node: ApiNode) -> None:
    taken = await api_node.person()
    replies = [await api_node.operator.post("/v1/customers", {"handle": taken.handle}, key="t") for _ in range(3)]
    assert {(reply.status, reply.code) for reply in replies} == {(409, "handle_taken")}
    assert len({reply.raw for reply in replies}) == 1
