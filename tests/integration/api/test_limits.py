import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.databases import FreshDatabases
from tests.fakes.clock import StillClock
from tests.integration.api.client import Client, serving
from tests.integration.api.conftest import ApiNode, running_api
from tests.integration.api.test_destinations import CHAIN, DAY_S, PATH, Guarded
from tests.integration.api.test_withdrawals import to_bank, to_chain
from wallet.safeguards.change import apply_loosenings
from wallet.safeguards.floor import SafetyFloor

RULES = "/v1/safety-rules"


@pytest.fixture(scope="module")
async def books(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


@pytest.fixture
async def guarded(books: ApiNode) -> AsyncIterator[Guarded]:
    clock = StillClock(datetime.now(UTC))
    context = replace(books.world.context, clock=clock, safety_floor=SafetyFloor(0, DAY_S))
    async with serving(context) as client:
        yield Guarded(books, client, clock, context)


NO_RULES: dict[str, object] = {"destination_delay_s": 0, "saved_only": False, "limits": []}


def per_day(amount: str, *, payments: bool = False) -> dict[str, object]:
    return {**NO_RULES, "limits": [{"asset": "EUR", "per_24h": amount, "payments": payments}]}


async def withdraw(client: Client, amount: str, key: str) -> str:
    """`accepted`, or the code of the refusal."""
    sent = await client.post("/v1/withdrawals", to_bank(amount), key=key)
    return "accepted" if sent.status == 201 else str(sent.code)


async def test_wdr_12_fifty_at_once_through_two_processes_stay_within_the_limit(guarded: Guarded) -> None:
    alice = await guarded.person(EUR="9000.00")
    assert (await alice.client.put(RULES, per_day("1000.00"))).status == 200
    elsewhere = guarded.node.other_instance.as_(alice.client.secret)
    ends = await asyncio.gather(*[withdraw((alice.client, elsewhere)[n % 2], "100.00", f"w{n}") for n in range(50)])
    assert Counter(ends) == {"accepted": 10, "limit_exceeded": 40}
    (left,) = (await alice.client.get("/v1/limits")).body["items"]
    assert (left["most"], left["left"], left["limit"]) == ("1000.00", "0.00", "per_24h")


async def test_wdr_12_a_window_rolls_and_knows_no_midnight(guarded: Guarded) -> None:
    alice = await guarded.person(EUR="100.00")
    await alice.client.put(RULES, per_day("10.00"))
    midnight = guarded.clock.at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    guarded.clock.at = midnight - timedelta(seconds=1)
    assert await withdraw(alice.client, "6.00", "before") == "accepted"
    guarded.clock.at = midnight + timedelta(seconds=1)
    assert await withdraw(alice.client, "4.00", "after") == "accepted"
    refused = await alice.client.post("/v1/withdrawals", to_bank("5.00"), key="more")
    first_out = midnight - timedelta(seconds=1) + timedelta(hours=24)
    assert (refused.status, refused.code, refused.body["left"]) == (409, "limit_exceeded", "0.00")
    assert datetime.fromisoformat(refused.body["fits_at"]) == first_out
    guarded.clock.at = first_out - timedelta(microseconds=1)
    assert await withdraw(alice.client, "5.00", "more") == "limit_exceeded"
    guarded.clock.at = first_out
    assert await withdraw(alice.client, "5.00", "more") == "accepted"
    assert await withdraw(alice.client, "1.01", "too much") == "limit_exceeded"


async def test_wdr_12_payments_and_withdrawals_share_a_limit_that_covers_both(guarded: Guarded) -> None:
    alice, bob = await guarded.person(EUR="100.00"), await guarded.person()
    await alice.client.put(RULES, per_day("10.00", payments=True))
    pay = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "6.00"}
    assert (await alice.client.post("/v1/payments", pay, key="p")).status == 201
    assert await withdraw(alice.client, "5.00", "w") == "limit_exceeded"
    assert await withdraw(alice.client, "4.00", "w2") == "accepted"
    refused = await alice.client.post("/v1/payments", {**pay, "amount": "0.01"}, key="p2")
    assert (refused.status, refused.code) == (409, "limit_exceeded")
    batch = {"items": [{**pay, "amount": "0.01", "key": "b"}]}
    sent = await alice.client.post("/v1/payments/batch", batch, key="batch")
    assert "limit_exceeded" in sent.raw.decode(), sent.raw


async def test_wdr_12_many_payments_at_once_stay_within_the_limit(guarded: Guarded) -> None:
    alice, bob = await guarded.person(EUR="9000.00"), await guarded.person()
    await alice.client.put(RULES, per_day("1000.00", payments=True))
    pay = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "100.00"}
    elsewhere = guarded.node.other_instance.as_(alice.client.secret)
    sent = await asyncio.gather(
        *[(alice.client, elsewhere)[n % 2].post("/v1/payments", pay, key=f"p{n}") for n in range(30)]
    )
    assert Counter(one.code for one in sent) == {None: 10, "limit_exceeded": 20}


async def test_what_was_cancelled_counts_no_longer(guarded: Guarded) -> None:
    alice = await guarded.person(EUR="100.00")
    await alice.client.put(RULES, per_day("10.00"))
    sent = await alice.client.post("/v1/withdrawals", to_bank("10.00"), key="w")
    assert await withdraw(alice.client, "1.00", "w2") == "limit_exceeded"
    await alice.client.post(f"{sent.headers['Location']}/cancel", key="c")
    assert await withdraw(alice.client, "1.00", "w3") == "accepted"


async def test_of_two_limits_the_tighter_one_wins_and_each_has_its_setter(guarded: Guarded) -> None:
    alice = await guarded.person(EUR="100.00")
    await alice.client.put(RULES, per_day("20.00"))
    operator = guarded.client.as_(guarded.node.operator.secret)
    set_to = {"customer": alice.id, "asset": "EUR", "per_24h": "5.00", "per_withdrawal": "3.00", "reason": "new here"}
    assert (await operator.put("/v1/operator/limits", set_to)).status == 200
    refused = await alice.client.post("/v1/withdrawals", to_bank("4.00"), key="w")
    assert (refused.code, refused.body["limit"], refused.body["set_by"]) == (
        "limit_exceeded",
        "per_withdrawal",
        "operator",
    )
    assert [await withdraw(alice.client, "3.00", f"w{n}") for n in range(2)] == ["accepted", "limit_exceeded"]
    lifted = {"customer": alice.id, "asset": "EUR", "reason": "known by now"}
    assert (await operator.put("/v1/operator/limits", lifted)).body["operator_limits"] == []
    assert await withdraw(alice.client, "17.00", "w3") == "accepted"
    assert await withdraw(alice.client, "0.01", "w4") == "limit_exceeded"


async def test_wdr_13_only_saved_destinations_holds_for_every_key(guarded: Guarded) -> None:
    alice = await guarded.person(BTC="0.5")
    await alice.client.put(RULES, {**NO_RULES, "saved_only": True, "destination_delay_s": 3600})
    for client in (alice.client, await guarded.new_key(alice)):
        refused = await client.post("/v1/withdrawals", to_chain(), key="w")
        assert (refused.status, refused.code) == (409, "destination_not_saved")
    saved = await alice.client.post(PATH, CHAIN)
    assert (await alice.client.post("/v1/withdrawals", to_chain(), key="w")).code == "destination_not_yet_usable"
    guarded.clock.at = datetime.fromisoformat(saved.body["usable_at"])
    assert (await alice.client.post("/v1/withdrawals", to_chain(), key="w")).status == 201
    await alice.client.delete(f"{PATH}/{saved.body['id']}")
    assert (await alice.client.post("/v1/withdrawals", to_chain(), key="w2")).code == "destination_not_saved"


async def test_wdr_13_loosening_waits_and_nobody_shortens_it(guarded: Guarded) -> None:
    alice = await guarded.person(EUR="100.00")
    tight = {**per_day("10.00"), "saved_only": True, "destination_delay_s": 3 * DAY_S}
    assert (await alice.client.put(RULES, tight)).body["loosening"] is None
    asked = (await alice.client.put(RULES, per_day("20.00"))).body
    assert (asked["rules"]["saved_only"], asked["rules"]["limits"][0]["per_24h"]) == (True, "10.00")
    assert datetime.fromisoformat(asked["loosening"]["at"]) >= guarded.clock.at + timedelta(days=3)
    guarded.pass_time(days=1)
    again = (await alice.client.put(RULES, per_day("20.00"))).body
    assert again["loosening"]["at"] == asked["loosening"]["at"]
    operator = guarded.client.as_(guarded.node.operator.secret)
    assert (await operator.put(RULES, {**NO_RULES, "customer": alice.id})).status == 403
    guarded.clock.at = datetime.fromisoformat(asked["loosening"]["at"]) - timedelta(microseconds=1)
    await apply_loosenings(guarded.context)
    assert (await alice.client.get(RULES)).body["rules"] == asked["rules"]
    guarded.pass_time(seconds=1)
    await apply_loosenings(guarded.context)
    now = (await alice.client.get(RULES)).body
    assert (now["rules"], now["loosening"]) == (asked["loosening"]["rules"], None)
    kinds = [event["type"] for event in (await alice.client.get("/v1/events?limit=200")).body["items"]]
    assert [kind for kind in kinds if kind.startswith("rules.")] == ["rules.set", "rules.set", "rules.loosened"]


async def test_what_is_about_to_loosen_is_cancelled(guarded: Guarded) -> None:
    alice = await guarded.person()
    await alice.client.put(RULES, {**NO_RULES, "saved_only": True})
    asked = (await alice.client.put(RULES, NO_RULES)).body
    assert asked["loosening"] is not None
    kept = (await alice.client.delete(f"{RULES}/loosening")).body
    assert (kept["loosening"], kept["rules"]["saved_only"]) == (None, True)
    guarded.pass_time(days=9)
    await apply_loosenings(guarded.context)
    assert (await alice.client.get(RULES)).body["rules"]["saved_only"] is True


async def test_a_platforms_limit_binds_its_customers_together(guarded: Guarded) -> None:
    shop = await guarded.node.platform(EUR="100.00")
    client = guarded.client.as_(shop.client.secret)
    await client.post("/v1/customers/batch", {"items": [{"reference": "one"}, {"reference": "two"}]})
    for name in ("one", "two"):
        moved = {"to": f"ref:{name}", "asset": "EUR", "amount": "20.00"}
        assert (await client.post("/v1/payments", moved, key=name)).status == 201
    await client.put(RULES, per_day("10.00"))
    sent: list[str | None] = []
    for number, reference in enumerate(("one", "two", None)):
        body = {**to_bank("6.00"), **({"customer": f"ref:{reference}"} if reference else {})}
        sent.append((await client.post("/v1/withdrawals", body, key=f"w{number}")).code)
    assert sent == [None, "limit_exceeded", "limit_exceeded"]
