"""A payment is decided on rows that were read before. What changed elsewhere meanwhile is found out all the same."""

from collections.abc import Callable, Mapping

import pytest

from api.endpoints import ROUTES
from api.routes import Idempotency
from tests.integration.api.client import balance
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.api.test_payments import pay
from tests.integration.api.test_platforms import fed, moved, sub_accounts
from tests.integration.api.test_settlements import leg
from tests.integration.api.test_withdrawals import to_bank
from wallet.access.keys import Scope, revoke_key
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


def _trade(made: Mapping[str, str]) -> dict[str, object]:
    return {"legs": [leg(made["ann"], made["ben"], "EUR", "1.00"), leg(made["ben"], "fees", "EUR", "0.50")]}


Tried = Callable[[Mapping[str, str]], tuple[str, object]]
JUDGED: dict[str, Tried] = {
    "/v1/payments": lambda made: ("/v1/payments", moved(made["ann"], made["ben"], "1.00")),
    "/v1/payments/batch": lambda made: (
        "/v1/payments/batch",
        {"items": [{"key": "judged-item", **moved(made["ann"], made["ben"], "1.00")}]},
    ),
    "/v1/holds": lambda made: ("/v1/holds", {"customer": made["ann"], "asset": "EUR", "amount": "1.00"}),
    "/v1/holds/{hold}/settle": lambda made: (f"/v1/holds/{made['hold']}/settle", {"to": made["ben"]}),
    "/v1/holds/{hold}/void": lambda made: (f"/v1/holds/{made['hold']}/void", None),
    "/v1/settlements": lambda made: ("/v1/settlements", _trade(made)),
    "/v1/settlements/batch": lambda made: (
        "/v1/settlements/batch",
        {"items": [{"key": "judged-trade", **_trade(made)}]},
    ),
    "/v1/withdrawals": lambda made: ("/v1/withdrawals", {**to_bank("1.00"), "customer": made["ann"]}),
    "/v1/withdrawals/{withdrawal}/cancel": lambda made: (f"/v1/withdrawals/{made['withdrawal']}/cancel", None),
}


@pytest.mark.parametrize("path", JUDGED)
async def test_nothing_is_done_by_a_key_that_another_instance_revoked(api_node: ApiNode, path: str) -> None:
    platform = await api_node.platform()
    made = {"ann": await fed(api_node, platform, "ann", "EUR", "50.00")}
    made["ben"] = (await sub_accounts(platform, "ben"))[0]["id"]
    held = {"customer": made["ann"], "asset": "EUR", "amount": "10.00"}
    made["hold"] = (await platform.client.post("/v1/holds", held, key="h")).body["id"]
    sent = await platform.client.post("/v1/withdrawals", {**to_bank("5.00"), "customer": made["ann"]}, key="w")
    made["withdrawal"] = sent.body["id"]
    where, content = JUDGED[path](made)
    secret = await api_node.world.key(platform.id, Scope.PAY, Scope.PLATFORM, Scope.WITHDRAW, Scope.READ)
    lost = api_node.anybody.as_(secret)
    key = (await lost.get("/v1/me")).body["key"]  # from here on this instance knows it
    elsewhere = api_node.other_instance.as_(platform.client.secret)
    assert (await elsewhere.delete(f"/v1/api-keys/{key}")).status == 200
    before = await _books(platform, made)
    reply = await lost.post(where, content, key="judged")
    assert (reply.status, reply.code) == (401, "unauthorized"), reply.raw
    assert await _books(platform, made) == before
    assert (await platform.client.post(where, content, key="judged")).status in (200, 201)
    assert await _books(platform, made) != before


async def test_nothing_is_reversed_by_an_operators_key_that_another_instance_revoked(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="50.00"), await api_node.person()
    payment = (await alice.client.post("/v1/payments", pay(bob.handle, "1.00"), key="p")).body["id"]
    operator = (await api_node.operator.get("/v1/me")).body["owner"]
    lost = api_node.anybody.as_(await api_node.world.key(operator, Scope.OPERATE))
    key = (await lost.get("/v1/me")).body["key"]
    await revoke_key(api_node.world.context, "test", operator, key)
    reversal = {"entry": payment, "reason": "by nobody"}
    assert (await lost.post("/v1/operator/reversals", reversal, key="judged-reversal")).status == 401
    assert (await balance(bob.client, "EUR"))["posted"] == "1.00"


async def _books(platform: Person, made: Mapping[str, str]) -> object:
    return [(await platform.client.get(f"/v1/balances?customer={made[name]}")).body for name in ("ann", "ben")]


def test_endpoints_that_leave_the_key_to_the_journal_are_the_ones_tried_here() -> None:
    judged = {found.path for found in ROUTES if found.access.judged}
    assert judged == JUDGED.keys() | {"/v1/operator/reversals"}
    assert judged == {found.path for found in ROUTES if found.idempotency is Idempotency.REQUIRED}
