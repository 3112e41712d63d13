"""Holds that platforms place: they count, they are settled or given back, once, and only by their platform."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.api.client import Reply, shown
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.api.test_platforms import available, fed, sub_accounts
from tests.integration.api.test_settlements import leg, settle
from tests.integration.wallet.changes import proven
from wallet.access.keys import CUSTOMER_SCOPES, Scope
from wallet.holds.release import expire_holds


async def place(platform: Person, key: str, amount: str = "60.00", **more: str) -> Reply:
    content = {"customer": "ref:ann", "asset": "EUR", "amount": amount, **more}
    return await platform.client.post("/v1/holds", content, key=key)


async def void(platform: Person, hold: str, key: str) -> Reply:
    return await platform.client.post(f"/v1/holds/{hold}/void", key=key)


async def pay_out(
    platform: Person, hold: str, key: str, amount: str | None = None, to: str = "ref:ben", **more: str
) -> Reply:
    content = {"to": to, **({} if amount is None else {"amount": amount}), **more}
    return await platform.client.post(f"/v1/holds/{hold}/settle", content, key=key)


async def exchange(api_node: ApiNode) -> Person:
    """A platform with Ann, who has 100.00 EUR, and Ben, who has nothing."""
    platform = await api_node.platform()
    await fed(api_node, platform, "ann", "EUR", "100.00")
    await sub_accounts(platform, "ben")
    return platform


async def test_led_03_a_platforms_hold_counts_against_available_until_it_is_void(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    placed = await place(platform, "h", client_reference="order-1")
    assert (placed.status, placed.body["status"], placed.body["settled"]) == (201, "placed", "0.00")
    assert await available(platform.client, "ref:ann") == "40.00"
    refused = await place(platform, "more", "40.01")
    assert (refused.status, refused.code) == (409, "insufficient_funds")
    twice = await place(platform, "twice", "1.00", client_reference="order-1")
    assert (twice.status, twice.code) == (409, "duplicate_reference")
    assert (await place(platform, "h", client_reference="order-1")).body == placed.body
    hold = placed.body["id"]
    gone = await void(platform, hold, "v")
    assert (gone.status, gone.body["status"]) == (200, "voided")
    assert (await void(platform, hold, "v")).body == gone.body
    assert (await void(platform, hold, "v-2")).code == "hold_not_open"
    assert await available(platform.client, "ref:ann") == "100.00"
    assert (await platform.client.get("/v1/holds")).body["items"] == [shown(gone.body)]
    events = [event["type"] for event in (await platform.client.get("/v1/events")).body["items"]]
    assert [kind for kind in events if kind.startswith("hold.")] == ["hold.placed", "hold.voided"]


async def test_a_hold_is_settled_in_part_and_the_rest_given_back(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    hold = (await place(platform, "h")).body["id"]
    legs = [leg(hold, "ref:ben", "EUR", "25.00"), leg(hold, "fees", "EUR", "0.50")]
    posted = await settle(platform.client, "s", legs)
    assert posted.status == 201, posted.raw
    assert [told["hold"] for told in posted.body["legs"]] == [hold, hold]
    assert (await platform.client.get(f"/v1/holds/{hold}")).body["settled"] == "25.50"
    over = await settle(platform.client, "over", [leg(hold, "ref:ben", "EUR", "34.51"), legs[1]])
    assert (over.status, over.code) == (409, "hold_not_open")
    assert (await void(platform, hold, "v")).body["settled"] == "25.50"
    assert (await settle(platform.client, "late", legs)).code == "hold_not_open"
    assert [await available(platform.client, name) for name in ("ref:ann", "ref:ben")] == ["74.50", "25.00"]


async def test_led_04_a_hold_is_settled_in_parts_by_its_id_and_never_more_than_was_held(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    hold = (await place(platform, "h")).body["id"]
    part = await pay_out(platform, hold, "part", "25.00", client_reference="fill-1")
    assert (part.status, part.body["status"], part.body["settled"]) == (200, "placed", "25.00"), part.raw
    legs = (await platform.client.get(f"/v1/settlements/{part.body['settlement']}")).body["legs"]
    assert [(told["hold"], told["amount"]) for told in legs] == [(hold, "25.00")]
    again = await pay_out(platform, hold, "part", "25.0", client_reference="fill-1")
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (part.raw, "true")
    assert (await pay_out(platform, hold, "part", "26.00")).code == "idempotency_key_reused"
    assert (await pay_out(platform, hold, "other", "1.00", client_reference="fill-1")).code == "duplicate_reference"
    over = await pay_out(platform, hold, "over", "35.01")
    assert (over.code, over.body["detail"]) == ("hold_not_open", "this much is not held any more")
    assert (await pay_out(platform, hold, "fee", "0.50", "fees")).status == 200
    rest = await pay_out(platform, hold, "rest")
    assert (rest.body["status"], rest.body["settled"]) == ("settled", "60.00")
    assert (await pay_out(platform, hold, "late")).code == "hold_not_open"
    assert (await pay_out(platform, hold, "rest")).raw == rest.raw
    assert [await available(platform.client, name) for name in ("ref:ann", "ref:ben")] == ["40.00", "59.50"]
    await proven(api_node.dsns.books)


async def test_what_is_left_of_a_hold_after_a_part_is_voided_or_reversed_apart(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    hold = (await place(platform, "h")).body["id"]
    part = await pay_out(platform, hold, "part", "25.00")
    assert (await void(platform, hold, "v")).body["settled"] == "25.00"
    body = {"entry": part.body["settlement"], "reason": "the order was void"}
    assert (await api_node.operator.post("/v1/operator/reversals", body, key=f"r-{hold}")).status == 201
    assert [await available(platform.client, name) for name in ("ref:ann", "ref:ben")] == ["100.00", "0.00"]


@pytest.mark.parametrize(
    ("to", "amount", "code"),
    [
        ("ref:ann", "1.00", "not_allowed"),
        ("ref:nobody", "1.00", "not_found"),
        ("ref:ben", "0.00", "amount_refused"),
        ("ref:ben", "0.001", "invalid_request"),
        ("ref:ben", "-1", "invalid_request"),
        ("hld_x", "1.00", "invalid_request"),
    ],
)
async def test_a_senseless_settlement_of_a_hold_changes_nothing(
    api_node: ApiNode, to: str, amount: str, code: str
) -> None:
    platform = await exchange(api_node)
    hold = (await place(platform, "h")).body["id"]
    assert (await pay_out(platform, hold, "s", amount, to)).code == code
    assert (await platform.client.get(f"/v1/holds/{hold}")).body["settled"] == "0.00"


async def test_led_04_of_64_that_settle_all_of_a_hold_over_two_instances_one_does(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    hold = (await place(platform, "h")).body["id"]
    doors = [
        Person(platform.id, platform.handle, c.as_(platform.client.secret))
        for c in (api_node.anybody, api_node.other_instance)
    ]
    ends = await asyncio.gather(*[pay_out(doors[n % 2], hold, f"s-{n}") for n in range(64)])
    assert Counter(end.status for end in ends) == {200: 1, 409: 63}
    assert {end.code for end in ends if end.status == 409} == {"hold_not_open"}
    assert [await available(platform.client, name) for name in ("ref:ann", "ref:ben")] == ["40.00", "60.00"]


async def test_led_04_parts_a_void_and_the_end_race_and_nothing_is_paid_twice_or_lost(api_node: ApiNode) -> None:
    """Whatever order they come in: what was settled is Ben's, the rest is Ann's again, and nothing is held."""
    platform = await exchange(api_node)
    ends = datetime.now(UTC) + timedelta(seconds=0.4)
    hold = (await place(platform, "h", expires_at=ends.isoformat())).body["id"]
    context = api_node.world.context

    async def expire() -> None:
        await context.clock.sleep((ends - context.clock.now()).total_seconds() + 0.01)
        await expire_holds(context)

    async def part(number: int) -> Reply:
        await context.clock.sleep(number / 40)
        return await pay_out(platform, hold, f"s-{number}", "4.00")

    *parts, _ = await asyncio.gather(*[part(number) for number in range(30)], expire())
    await expire_holds(context)  # as the worker does: the first round may have lost the race to a part
    paid = sum(end.status == 200 for end in parts if isinstance(end, Reply))
    assert 0 < paid <= 15
    row = (await platform.client.get(f"/v1/holds/{hold}")).body
    assert (row["status"], row["settled"]) == ("settled" if paid == 15 else "expired", f"{4 * paid}.00")
    assert (await void(platform, hold, "v")).code == "hold_not_open"
    told = [await available(platform.client, name) for name in ("ref:ann", "ref:ben")]
    assert told == [f"{100 - 4 * paid}.00", f"{4 * paid}.00"]
    await proven(api_node.dsns.books)


async def test_a_hold_expires_by_itself_and_pays_nothing_from_its_last_moment_on(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    ends = datetime.now(UTC) + timedelta(seconds=1.5)
    lasting = await place(platform, "lasting", "10.00")
    hold = (await place(platform, "h", expires_at=ends.isoformat())).body["id"]
    context = api_node.world.context
    assert await expire_holds(context) == 0
    await context.clock.sleep((ends - context.clock.now()).total_seconds() + 0.01)
    refused = await settle(
        platform.client, "s", [leg(hold, "ref:ben", "EUR", "1.00"), leg(hold, "fees", "EUR", "1.00")]
    )
    assert refused.code == "hold_not_open"
    assert sum(await asyncio.gather(*[expire_holds(world.context) for world in (api_node.world,) * 3])) == 1
    assert (await platform.client.get(f"/v1/holds/{hold}")).body["status"] == "expired"
    assert (await platform.client.get(f"/v1/holds/{lasting.body['id']}")).body["status"] == "placed"
    assert await available(platform.client, "ref:ann") == "90.00"
    past = await place(platform, "past", expires_at="2024-01-01T00:00:00Z")
    assert (past.status, past.code, past.body["field"]) == (400, "hold_end_refused", "expires_at")


async def test_void_and_settlement_of_one_hold_race_and_one_of_them_wins(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    legs = 2 * ["30.00"]
    hold = (await place(platform, "h")).body["id"]
    whole = [leg(hold, to, "EUR", amount) for to, amount in zip(("ref:ben", "fees"), legs, strict=True)]
    ends = await asyncio.gather(
        *[settle(platform.client, f"s-{n}", whole) for n in range(8)], void(platform, hold, "v")
    )
    assert sorted(end.status for end in ends) in ([200] + [409] * 8, [201] + [409] * 8)
    assert await available(platform.client, "ref:ann") in ("100.00", "40.00")


async def test_i10_a_hold_belongs_to_its_platform(api_node: ApiNode) -> None:
    platform, other = await exchange(api_node), await exchange(api_node)
    hold = (await place(platform, "h")).body["id"]
    ann = (await platform.client.get("/v1/customers/ref:ann")).body["id"]
    assert (await void(other, hold, "v")).status == 404
    assert (await pay_out(other, hold, "s")).status == 404
    assert (await other.client.get(f"/v1/holds/{hold}")).status == 404
    assert (await other.client.get("/v1/holds")).body["items"] == []
    assert (await place(other, "theirs", customer=ann)).status == 404
    legs = [leg(hold, "ref:ben", "EUR", "1.00"), leg(hold, "self", "EUR", "1.00")]
    assert (await settle(other.client, "s", legs)).status == 404
    narrow = api_node.anybody.as_(await api_node.world.key(platform.id, Scope.PLATFORM, Scope.READ))
    assert (await narrow.post(f"/v1/holds/{hold}/void", key="n")).code == "scope_missing"
    assert (await narrow.post(f"/v1/holds/{hold}/settle", {"to": "ref:ben"}, key="n")).code == "scope_missing"
    customer = api_node.anybody.as_(await api_node.world.key(ann, *CUSTOMER_SCOPES))
    assert (await customer.post(f"/v1/holds/{hold}/void", key="c")).code == "scope_missing"
    assert (await platform.client.get(f"/v1/holds/{hold}")).body["status"] == "placed"
