"""Balances at a past moment, over the API: for everybody by time, for operators by position too."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.api.client import Client
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.api.test_platforms import fed, moved
from tests.integration.wallet.ledger.conftest import charged_back


async def told(client: Client, query: str, what: str = "balances") -> Any:
    reply = await client.get(f"/v1/{what}{query}")
    assert reply.status == 200, reply.raw
    return reply.body


def euro(answer: Any) -> tuple[str, str, str, str]:
    (item,) = [item for item in answer["items"] if item["asset"] == "EUR"]
    return item["posted"], item["held"], item["available"], item["receivable"]


async def spent(node: ApiNode) -> tuple[Person, list[str], list[tuple[str, str, str, str]]]:
    """A customer whose balance changes; the moments after each change, and what it was then."""
    alice, bob = await node.person(EUR="100.00"), await node.person()
    destination = {"address": "outside-1", "name": "Bob"}
    wanted = {"network": "sepa", "asset": "EUR", "amount": "20.00", "destination": destination}
    pay = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "30.00"}
    moments, figures = [], []
    for path, content in (("/v1/payments", pay), ("/v1/withdrawals", wanted), ("/v1/payments", pay)):
        moments.append((await told(alice.client, "?limit=1", "transfers"))["items"][0]["at"])
        figures.append(euro(await told(alice.client, "")))
        assert (await alice.client.post(path, content, key=f"k{len(moments)}")).status == 201
    return alice, moments, figures


async def test_each_moment_has_the_balance_that_it_had(api_node: ApiNode) -> None:
    alice, moments, figures = await spent(api_node)
    assert figures == [
        ("100.00", "0.00", "100.00", "0.00"),
        ("70.00", "0.00", "70.00", "0.00"),
        ("70.00", "20.00", "50.00", "0.00"),
    ]
    for moment, expected in zip(moments, figures, strict=True):
        for client, query in ((alice.client, ""), (api_node.operator, f"&customer=@{alice.handle}")):
            answer = await told(client, f"?at={quote(moment)}{query}")
            assert (answer["at"], euro(answer)) == (moment, expected)
    assert euro(await told(alice.client, f"?at={moments[1]}")) == figures[1], "a plus that was not escaped"
    assert euro(await told(alice.client, "?at=2020-01-01")) == ("0.00", "0.00", "0.00", "0.00")
    now = await told(alice.client, "")
    assert (now["at"], now["position"], euro(now)) == (None, None, ("40.00", "20.00", "20.00", "0.00"))


async def test_operators_ask_by_position_and_learn_it_and_nobody_else_does(api_node: ApiNode) -> None:
    alice, moments, figures = await spent(api_node)
    answer = await told(api_node.operator, f"?customer={alice.id}&at={quote(moments[1])}")
    position = answer["position"]
    asked = await told(api_node.operator, f"?customer={alice.id}&position={position}")
    assert (asked["position"], asked["at"], euro(asked)) == (position, None, figures[1])
    before = await told(api_node.operator, f"?customer={alice.id}&position={position - 1}")
    assert euro(before) == figures[0]
    assert (await told(alice.client, f"?at={quote(moments[1])}"))["position"] is None
    refused = await alice.client.get(f"/v1/balances?position={position}")
    assert (refused.status, refused.body["field"]) == (400, "position")
    both = await api_node.operator.get(f"/v1/balances?customer={alice.id}&position=1&at=2026-01-01")
    assert (both.status, both.body["field"]) == (400, "position")
    beyond = await api_node.operator.get(f"/v1/balances?customer={alice.id}&position=999999999999")
    assert (beyond.status, beyond.code, beyond.body["field"]) == (400, "position_to_come", "position")


@pytest.mark.parametrize(
    "moment", ["", "now", "2026-11-25T06:00:00", "2026-13-01", "1969-12-31", "9999-12-31T00:00:00Z"]
)
async def test_a_moment_that_makes_no_sense_is_refused(api_node: ApiNode, moment: str) -> None:
    alice = await api_node.person()
    refused = await alice.client.get(f"/v1/balances?at={moment}")
    assert (refused.status, refused.code, refused.body["field"]) == (400, "invalid_request", "at")


async def test_a_moment_that_has_not_come_is_refused(api_node: ApiNode) -> None:
    alice = await api_node.person()
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    refused = await alice.client.get(f"/v1/balances?at={quote(tomorrow)}")
    assert (refused.status, refused.code, refused.body["field"]) == (400, "moment_to_come", "at")


async def test_what_is_owed_is_told_beside_what_is_there(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="10.00")
    before = (await told(alice.client, "?limit=1", "transfers"))["items"][0]["at"]
    await api_node.world.context.journal.commit(charged_back(alice.id, 2500))
    assert euro(await told(alice.client, "")) == ("0.00", "0.00", "0.00", "15.00")
    (line,) = (await told(alice.client, "?account=receivable", "transfers"))["items"]
    assert (line["direction"], line["amount"], line["posted_after"]) == ("in", "15.00", "15.00")
    assert euro(await told(alice.client, f"?at={quote(line['at'])}"))[3] == "15.00"
    await api_node.world.fund(alice.id, "EUR", "20.00")
    assert euro(await told(alice.client, "")) == ("5.00", "0.00", "5.00", "0.00")
    repaid = (await told(alice.client, "?account=receivable", "transfers"))["items"][0]
    assert (repaid["direction"], repaid["posted_after"]) == ("out", "0.00")
    assert euro(await told(alice.client, f"?at={quote(before)}")) == ("10.00", "0.00", "10.00", "0.00")


async def test_a_platform_looks_back_at_its_own_and_nobody_else_at_another(api_node: ApiNode) -> None:
    platform, other, stranger = await api_node.platform(), await api_node.platform(), await api_node.person()
    sub = await fed(api_node, platform, "looked-at", "EUR", "10.00")
    at = (await told(platform.client, f"?customer={sub}", "transfers"))["items"][0]["at"]
    assert (await platform.client.post("/v1/payments", moved(sub, platform.id, "4.00"), key="m")).status == 201
    assert euro(await told(platform.client, f"?customer=ref:looked-at&at={quote(at)}"))[0] == "10.00"
    for client in (other.client, stranger.client):
        for query in (f"customer={sub}&at={quote(at)}", "customer=ref:looked-at&at=2026-01-01"):
            refused = await client.get(f"/v1/balances?{query}")
            assert (refused.status, refused.code) == (404, "not_found")
