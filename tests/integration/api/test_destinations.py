from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.databases import FreshDatabases
from tests.fakes.clock import StillClock
from tests.integration.api.client import Client, serving
from tests.integration.api.conftest import ApiNode, Person, running_api
from tests.integration.api.test_withdrawals import HOLDER, IBAN, to_bank, to_chain
from wallet.access.keys import CUSTOMER_SCOPES
from wallet.context import Context
from wallet.safeguards.floor import SafetyFloor

DAY_S = 86_400
PATH = "/v1/destinations"
CHAIN = {"network": "bitcoin", "destination": {"address": "outside-1"}}
BANK = {"network": "sepa", "destination": {"address": IBAN, "name": HOLDER}}


@dataclass(frozen=True, slots=True)
class Guarded:
    """A node on which destinations wait for a day, and the clock by which it goes."""

    node: ApiNode
    client: Client
    clock: StillClock
    context: Context

    async def person(self, **funds: str) -> Person:
        made = await self.node.person(**funds)
        return Person(made.id, made.handle, self.client.as_(made.client.secret))

    async def new_key(self, person: Person) -> Client:
        return self.client.as_(await self.node.world.key(person.id, *CUSTOMER_SCOPES))

    def pass_time(self, **time: int) -> None:
        self.clock.at += timedelta(**time)


@pytest.fixture(scope="module")
async def books(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


@pytest.fixture
async def guarded(books: ApiNode) -> AsyncIterator[Guarded]:
    clock = StillClock(datetime.now(UTC))
    context = replace(books.world.context, clock=clock, safety_floor=SafetyFloor(DAY_S, DAY_S))
    async with serving(context) as client:
        yield Guarded(books, client, clock, context)


async def test_wdr_13_a_saved_destination_waits_for_its_delay_whoever_asks(guarded: Guarded) -> None:
    alice = await guarded.person(BTC="0.5")
    saved = await alice.client.post(PATH, {**CHAIN, "label": "cold-wallet"})
    assert (saved.status, saved.body["usable"], saved.body["label"]) == (201, False, "cold-wallet")
    usable_at = datetime.fromisoformat(saved.body["usable_at"])
    assert usable_at - datetime.fromisoformat(saved.body["saved_at"]) == timedelta(seconds=DAY_S)
    for client in (alice.client, await guarded.new_key(alice)):
        early = await client.post("/v1/withdrawals", to_chain(), key="early")
        assert (early.status, early.code) == (409, "destination_not_yet_usable")
        assert early.body["usable_at"] == saved.body["usable_at"]
    guarded.clock.at = usable_at - timedelta(microseconds=1)
    assert (await alice.client.post("/v1/withdrawals", to_chain(), key="early")).status == 409
    guarded.clock.at = usable_at
    assert (await alice.client.post("/v1/withdrawals", to_chain(), key="late")).status == 201
    assert (await alice.client.get(PATH)).body["items"][0]["usable"] is True


async def test_saving_again_changes_nothing_and_does_not_begin_the_delay_anew(guarded: Guarded) -> None:
    alice = await guarded.person()
    first = await alice.client.post(PATH, CHAIN)
    guarded.pass_time(hours=5)
    again = await alice.client.post(PATH, {**CHAIN, "label": "other"})
    assert (again.status, again.raw) == (200, first.raw)


async def test_wdr_13_what_was_removed_and_saved_again_waits_again(guarded: Guarded) -> None:
    alice = await guarded.person(EUR="20.00")
    name = (await alice.client.post(PATH, BANK)).body["id"]
    guarded.pass_time(days=2)
    removed = await alice.client.delete(f"{PATH}/{name}")
    assert (removed.status, removed.body["usable"]) == (200, False)
    assert (await alice.client.delete(f"{PATH}/{name}")).raw == removed.raw
    assert (await alice.client.get(PATH)).body["items"] == []
    again = await alice.client.post(PATH, BANK)
    assert (again.status, again.body["id"]) == (201, name)
    refused = await alice.client.post("/v1/withdrawals", to_bank(), key="w")
    assert (refused.code, refused.body["usable_at"]) == ("destination_not_yet_usable", again.body["usable_at"])


async def test_a_bank_destination_is_shown_to_its_owner_alone(guarded: Guarded) -> None:
    alice = await guarded.person()
    saved = await alice.client.post(PATH, BANK)
    assert saved.body["destination"] == {"address": IBAN, "name": HOLDER}
    operator = guarded.client.as_(guarded.node.operator.secret)
    (seen,) = (await operator.get(f"{PATH}?customer={alice.id}")).body["items"]
    assert (seen["id"], seen["destination"]) == (saved.body["id"], None)
    events = (await alice.client.get("/v1/events?limit=200")).raw.decode()
    assert "destination.saved" in events
    assert IBAN not in events


async def test_anothers_saved_destination_does_not_exist(guarded: Guarded) -> None:
    alice, bob = await guarded.person(), await guarded.person()
    name = (await alice.client.post(PATH, CHAIN)).body["id"]
    assert (await bob.client.delete(f"{PATH}/{name}")).status == 404
    assert (await bob.client.get(PATH)).body["items"] == []
    assert [item["id"] for item in (await alice.client.get(PATH)).body["items"]] == [name]


async def test_a_platform_saves_for_its_sub_account(guarded: Guarded) -> None:
    shop = await guarded.node.platform()
    client = guarded.client.as_(shop.client.secret)
    await client.post("/v1/customers/batch", {"items": [{"reference": "order-77"}]})
    saved = await client.post(PATH, {**CHAIN, "customer": "ref:order-77"})
    assert saved.status == 201
    (found,) = (await client.get(f"{PATH}?customer=ref:order-77")).body["items"]
    assert found["id"] == saved.body["id"]
    assert (await client.get(PATH)).body["items"] == []


async def test_a_malformed_destination_is_refused(guarded: Guarded) -> None:
    alice = await guarded.person()
    refused = await alice.client.post(PATH, {"network": "bitcoin", "destination": {"address": "No address"}})
    assert (refused.status, refused.code) == (400, "destination_refused")
    assert (await alice.client.get(PATH)).body["items"] == []
