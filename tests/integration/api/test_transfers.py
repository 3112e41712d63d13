"""History over the API: complete and without repeats in both directions, filtered, and nobody else's."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.api.client import Client
from tests.integration.api.conftest import ApiNode, Person
from wallet.access.keys import CUSTOMER_SCOPES
from wallet.journal.change import EventKind


async def pay(payer: Person, payee: Person, amount: str, key: str) -> str:
    sent = {"to": f"@{payee.handle}", "asset": "EUR", "amount": amount}
    paid = await payer.client.post("/v1/payments", sent, key=key)
    assert paid.status == 201, paid.raw
    return str(paid.body["id"])


async def page(client: Client, path: str, cursor: str | None = None) -> Any:
    reply = await client.get(path if cursor is None else f"{path}&cursor={cursor}")
    assert reply.status == 200, reply.raw
    return reply.body


async def walked(client: Client, path: str, cursor: str | None = None, by: str = "next_cursor") -> list[Any]:
    """All items from here on, page by page, in the order in which the pages came."""
    found: list[Any] = []
    while True:
        got = await page(client, path, cursor)
        found += got["items"] if by == "next_cursor" else reversed(got["items"])
        cursor = got[by]
        if cursor is None:
            return found


def amounts(items: Sequence[Any]) -> list[str]:
    return [item["amount"] for item in items]


async def paid_history(node: ApiNode, count: int) -> tuple[Person, Person]:
    """Payments of 0.01, 0.02 … from one to the other, after a deposit of 100.00."""
    alice, bob = await node.person(EUR="100.00"), await node.person()
    for number in range(1, count + 1):
        await pay(alice, bob, f"0.{number:02}", f"n-{number}")
    return alice, bob


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_lead_there_and_back_without_gaps_or_repeats(api_node: ApiNode, order: str) -> None:
    alice, _ = await paid_history(api_node, 7)
    whole = (await page(alice.client, f"/v1/transfers?order={order}"))["items"]
    expected = ["100.00", *[f"0.0{number}" for number in range(1, 8)]]
    assert amounts(whole) == (expected if order == "asc" else expected[::-1])
    for limit in (1, 3, 8):
        path = f"/v1/transfers?order={order}&limit={limit}"
        assert await walked(alice.client, path) == whole
    path = f"/v1/transfers?order={order}&limit=3"
    first = await page(alice.client, path)
    assert first["previous_cursor"] is None
    second = await page(alice.client, path, first["next_cursor"])
    third = await page(alice.client, path, second["next_cursor"])
    assert third["next_cursor"] is None
    back = await walked(alice.client, path, third["previous_cursor"], "previous_cursor")
    assert [*reversed(back), *third["items"]] == whole
    assert (await page(alice.client, path, third["previous_cursor"]))["items"] == second["items"]


async def test_what_arrives_meanwhile_moves_no_page(api_node: ApiNode) -> None:
    alice, bob = await paid_history(api_node, 6)
    path, found, cursor = "/v1/transfers?limit=2", [], None
    for number in range(20):
        got = await page(alice.client, path, cursor)
        found += got["items"]
        last, cursor = got, got["next_cursor"]
        if cursor is None:
            break
        await pay(alice, bob, "1.00", f"meanwhile-{number}")
    assert amounts(found) == ["0.06", "0.05", "0.04", "0.03", "0.02", "0.01", "100.00"]
    back = await walked(alice.client, path, last["previous_cursor"], "previous_cursor")
    assert amounts(back) == ["0.01", "0.02", "0.03", "0.04", "0.05", "0.06", "1.00", "1.00", "1.00"]


async def test_transfers_of_one_change_are_cut_in_their_order(api_node: ApiNode) -> None:
    """A settlement moves a party's money more than once in one Change; a page may end in the middle of it."""
    platform, legs = await api_node.platform(EUR="50.00"), []
    made = await platform.client.post(
        "/v1/customers/batch", {"items": [{"reference": "ann", "addresses": []}, {"reference": "ben", "addresses": []}]}
    )
    assert made.status == 200, made.raw
    for number in range(1, 6):
        legs.append({"from": "self", "to": "ref:ann", "asset": "EUR", "amount": f"{number}.00"})
        legs.append({"from": "ref:ann", "to": "ref:ben", "asset": "EUR", "amount": f"0.{number}0"})
    settled = await platform.client.post("/v1/settlements", {"legs": legs}, key="s")
    assert settled.status == 201, settled.raw
    path = "/v1/transfers?customer=ref:ann"
    whole = (await page(platform.client, path))["items"]
    assert amounts(whole) == [f"{x}0" for n in range(5, 0, -1) for x in (f"0.{n}", f"{n}.0")]
    for limit in (1, 3, 4):
        for order in ("asc", "desc"):
            walked_items = await walked(platform.client, f"{path}&limit={limit}&order={order}")
            assert walked_items == (whole if order == "desc" else whole[::-1])
    assert {item["object"] for item in whole} == {settled.body["id"]}
    assert whole[0]["counterparty"] == made.body["items"][1]["id"]


async def test_a_line_tells_the_move_and_the_balance_after_it(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    payment = await pay(alice, bob, "30.00", "p")
    destination = {"address": "outside-1", "name": "Bob"}
    wanted = {"network": "sepa", "asset": "EUR", "amount": "20.00", "destination": destination}
    withdrawal = (await alice.client.post("/v1/withdrawals", wanted, key="w")).body["id"]
    held, sent, arrived = (await page(alice.client, "/v1/transfers"))["items"]
    assert (held["kind"], held["move"], held["object"]) == ("withdrawal.requested", "hold", withdrawal)
    assert (held["posted_after"], held["held_after"], held["counterparty"]) == ("70.00", "20.00", None)
    assert (sent["direction"], sent["object"], sent["counterparty"]) == ("out", payment, bob.id)
    assert (arrived["direction"], arrived["kind"], arrived["account"]) == ("in", "deposit.credited", "balance")
    assert arrived["object"].startswith("dep_")


async def test_filters_take_what_they_name_and_nothing_else(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="100.00", BTC="1.00000000"), await api_node.person(EUR="10.00")
    carol = await api_node.person()
    await pay(alice, bob, "1.00", "a")
    await pay(bob, alice, "2.00", "b")
    await pay(alice, carol, "3.00", "c")
    cases = {
        "asset=BTC": ["1.00000000"],
        "asset=EUR&kind=payment.sent": ["3.00", "2.00", "1.00"],
        "kind=deposit.credited&asset=EUR": ["100.00"],
        f"counterparty=@{bob.handle}": ["2.00", "1.00"],
        f"counterparty={bob.id}&order=asc": ["1.00", "2.00"],
        f"counterparty={bob.id}&kind=deposit.credited": [],
        "counterparty=house&asset=EUR": ["100.00"],
        f"counterparty={carol.id}": ["3.00"],
        "account=receivable": [],
        "account=fees": [],
    }
    for query, expected in cases.items():
        for limit in (1, 50):
            found = await walked(alice.client, f"/v1/transfers?{query}&limit={limit}")
            assert amounts(found) == expected, query


async def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(api_node: ApiNode) -> None:
    alice, _ = await paid_history(api_node, 4)
    items = (await page(alice.client, "/v1/transfers?order=asc"))["items"]
    second, fourth = items[1]["at"], items[3]["at"]
    assert second < items[2]["at"] < fourth, "each payment is a batch of its own here"
    inside = await page(alice.client, f"/v1/transfers?from={quote(second)}&to={quote(fourth)}&order=asc")
    assert inside["items"] == items[1:3]
    unescaped = await page(alice.client, f"/v1/transfers?from={second}&to={fourth}&order=asc")
    assert unescaped["items"] == inside["items"]
    assert (await page(alice.client, f"/v1/transfers?to={quote(items[0]['at'])}"))["items"] == []
    assert (await page(alice.client, f"/v1/transfers?from={quote(fourth)}"))["items"] == items[:2:-1]
    assert (await page(alice.client, "/v1/transfers?from=2020-01-01&to=2020-02-01T00:00:00Z"))["items"] == []
    assert await walked(alice.client, f"/v1/transfers?from={quote(second)}&limit=1&order=asc") == items[1:]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("asset=XYZ", "asset"),
        ("asset=eur", "asset"),
        ("kind=payment", "kind"),
        ("kind=", "kind"),
        ("counterparty=@nobody_at_all", "counterparty"),
        ("counterparty=ref:nobody", "counterparty"),
        ("counterparty=%27%20OR%201", "counterparty"),
        ("from=yesterday", "from"),
        ("from=2026-11-25T06:00:00", "from"),
        ("from=2026-02-30", "from"),
        ("from=0001-01-01", "from"),
        ("to=2026-11-25T06:00:60Z", "to"),
        ("to=2026-11-25T06:00:00%2B24:00", "to"),
        ("from=2026-11-25&to=2026-11-25", "to"),
        ("from=2026-11-26&to=2026-11-25", "to"),
        ("order=upwards", "order"),
        ("account=hot@sepa", "account"),
        ("limit=0", "limit"),
        ("since=2026-11-25", "since"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(api_node: ApiNode, query: str, field: str) -> None:
    alice = await api_node.person()
    refused = await alice.client.get(f"/v1/transfers?{query}")
    assert (refused.status, refused.code, refused.body["field"]) == (400, "invalid_request", field), refused.raw
    assert EventKind.OPERATOR_CREATED.value not in str(refused.raw), "what else happens here is not told by a mistake"


async def test_a_cursor_leads_nowhere_in_another_list(api_node: ApiNode) -> None:
    alice, bob = await paid_history(api_node, 3)
    cursor = (await page(alice.client, "/v1/transfers?limit=1"))["next_cursor"]
    other_lists = [
        "order=asc",
        "asset=EUR",
        "kind=payment.sent",
        "account=fees",
        "from=2026-01-01",
        f"counterparty={bob.id}",
    ]
    for query in other_lists:
        refused = await alice.client.get(f"/v1/transfers?limit=1&{query}&cursor={cursor}")
        assert (refused.status, refused.code) == (400, "invalid_cursor"), query
    assert (await bob.client.get(f"/v1/transfers?limit=1&cursor={cursor}")).code == "invalid_cursor"
    assert (await page(alice.client, "/v1/transfers?limit=2", cursor))["items"], "another limit is the same list"


async def test_parties_of_a_trade_do_not_learn_of_each_other(api_node: ApiNode) -> None:
    """Neither by a line nor by asking for transfers with the other: only their platform sees the legs."""
    platform = await api_node.platform(EUR="10.00")
    made = await platform.client.post(
        "/v1/customers/batch", {"items": [{"reference": "ann", "addresses": []}, {"reference": "ben", "addresses": []}]}
    )
    ann, ben = [item["id"] for item in made.body["items"]]
    legs = [
        {"from": "self", "to": ann, "asset": "EUR", "amount": "5.00"},
        {"from": ann, "to": ben, "asset": "EUR", "amount": "2.00"},
    ]
    assert (await platform.client.post("/v1/settlements", {"legs": legs}, key="t")).status == 201
    own = api_node.anybody.as_(await api_node.world.key(ann, *CUSTOMER_SCOPES))
    lines = (await page(own, "/v1/transfers"))["items"]
    assert [(line["amount"], line["counterparty"]) for line in lines] == [("2.00", None), ("5.00", None)]
    for other in (ben, platform.id):
        assert (await page(own, f"/v1/transfers?counterparty={other}"))["items"] == []
    seen = (await page(platform.client, f"/v1/transfers?customer={ann}&counterparty={ben}"))["items"]
    assert [(line["amount"], line["counterparty"]) for line in seen] == [("2.00", ben)]
    assert (await page(api_node.operator, f"/v1/transfers?customer={ann}&counterparty={ben}"))["items"] == seen
