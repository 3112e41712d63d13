"""A payment is decided on rows that were read before. What changed elsewhere meanwhile is found out all the same."""

from api.endpoints import ROUTES
from tests.integration.api.client import balance
from tests.integration.api.conftest import ApiNode
from tests.integration.api.test_payments import pay
from wallet.access.keys import Scope
from wallet.assets.pause import pause_asset, resume_asset


async def test_a_key_that_another_instance_revoked_pays_nothing_and_learns_nothing(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="50.00"), await api_node.person()
    secret = await api_node.world.key(alice.id, Scope.PAY)
    lost = api_node.anybody.as_(secret)
    assert (await lost.post("/v1/payments", pay(bob.handle, "1.00"), key="known")).status == 201
    keys = (await alice.client.get("/v1/api-keys")).body["items"]
    elsewhere = api_node.other_instance.as_(alice.client.secret)
    (mine,) = [key["id"] for key in keys if key["scopes"] == ["pay"]]
    assert (await elsewhere.delete(f"/v1/api-keys/{mine}")).status == 200
    replies = [
        await lost.post("/v1/payments", pay(bob.handle, "1.00"), key="fresh"),
        await lost.post("/v1/payments", pay(bob.handle, "1.00"), key="fresh-2"),
    ]
    assert {(reply.status, reply.code) for reply in replies} == {(401, "unauthorized")}
    assert await balance(bob.client, "EUR") == {"posted": "1.00", "held": "0.00", "available": "1.00"}


async def test_a_revoked_key_is_told_neither_an_earlier_answer_nor_what_is_wrong(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="50.00"), await api_node.person()
    elsewhere = api_node.other_instance.as_(alice.client.secret)
    tries = (
        (pay(bob.handle, "1.00"), "seen"),
        (pay("nobody_at_all", "1.00"), "n"),
        (pay(bob.handle, "100.00"), "much"),
        ({"to": "?"}, "x"),
    )
    for content, key in tries:
        lost = api_node.anybody.as_(await api_node.world.key(alice.id, Scope.PAY))
        assert (await lost.post("/v1/payments", pay(bob.handle, "1.00"), key="seen")).status == 201
        newest = (await alice.client.get("/v1/api-keys?limit=1")).body["items"][0]["id"]
        assert (await elsewhere.delete(f"/v1/api-keys/{newest}")).status == 200
        reply = await lost.post("/v1/payments", content, key=key)
        assert (reply.status, reply.code) == (401, "unauthorized"), content


async def test_an_asset_paused_by_another_instance_stops_payments_at_once(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="50.00"), await api_node.person()
    assert (await alice.client.post("/v1/payments", pay(bob.handle, "1.00"), key="a")).status == 201
    other = api_node.other_instance.as_(alice.client.secret)
    assert (await other.post("/v1/payments", pay(bob.handle, "1.00"), key="b")).status == 201
    await pause_asset(api_node.world.context, "test", "EUR", "a test looks into it")
    try:
        refused = [await side.post("/v1/payments", pay(bob.handle, "1.00"), key="c") for side in (alice.client, other)]
    finally:
        await resume_asset(api_node.world.context, "test", "EUR", "the test is over")
    assert {(reply.status, reply.code) for reply in refused} == {(409, "asset_paused")}
    for side, key in ((alice.client, "d"), (other, "e")):
        assert (await side.post("/v1/payments", pay(bob.handle, "1.00"), key=key)).status == 201


def test_endpoints_that_leave_the_key_to_the_journal_are_the_ones_tried_here() -> None:
    assert [(found.method, found.path) for found in ROUTES if found.access.judged] == [("POST", "/v1/payments")]
