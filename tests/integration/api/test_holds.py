"""Holds that platforms place: they count, they are settled or given back, once, and only by their platform."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.integration.api.client import Reply, shown
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.api.test_platforms import available, fed, sub_accounts
from tests.integration.api.test_settlements import leg, settle
from wallet.access.keys import CUSTOMER_SCOPES, Scope
from wallet.holds.release import expire_holds


async def place(platform: Person, key: str, amount: str = "60.00", **more: str) -> Reply:
    content = {"customer": "ref:ann", "asset": "EUR", "amount": amount, **more}
    return await platform.client.post("/v1/holds", content, key=key)


async def void(platform: Person, hold: str, key: str) -> Reply:
    return await platform.client.post(f"/v1/holds/{hold}/void", key=key)


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
    assert (past.status, past.code) == (403, "not_allowed")


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
    assert (await other.client.get(f"/v1/holds/{hold}")).status == 404
    assert (await other.client.get("/v1/holds")).body["items"] == []
    assert (await place(other, "theirs", customer=ann)).status == 404
    legs = [leg(hold, "ref:ben", "EUR", "1.00"), leg(hold, "self", "EUR", "1.00")]
    assert (await settle(other.client, "s", legs)).status == 404
    narrow = api_node.anybody.as_(await api_node.world.key(platform.id, Scope.PLATFORM, Scope.READ))
    assert (await narrow.post(f"/v1/holds/{hold}/void", key="n")).code == "scope_missing"
    customer = api_node.anybody.as_(await api_node.world.key(ann, *CUSTOMER_SCOPES))
    assert (await customer.post(f"/v1/holds/{hold}/void", key="c")).code == "scope_missing"
    assert (await platform.client.get(f"/v1/holds/{hold}")).body["status"] == "placed"
