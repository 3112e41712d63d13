"""Reversals over the API: the money goes back once, what was spent of it is owed, and what cannot be undone says what to do."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from node.commands.entries import reverse as command
from tests.databases import FreshDatabases
from tests.integration.api.client import Client, Reply, balance, serving
from tests.integration.api.conftest import ApiNode, Person, running_api
from tests.integration.api.test_holds import place
from tests.integration.api.test_settlements import collected, exchange, leg, settle, standing, trade
from tests.integration.wallet.changes import connected, proven
from tests.integration.wallet.journal.sealing import KEY, signing
from wallet.assets.pause import pause_asset, resume_asset
from wallet.customers.freeze import freeze_customer
from wallet.errors import AlreadyReversed
from wallet.ids import encode_ulid
from wallet.journal.receipts import Receipt, verify_receipt

REASON = "sent to the wrong person"


@pytest.fixture(scope="module")
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


async def reverse(client: Client, entry: object, key: str, reason: str = REASON) -> Reply:
    return await client.post("/v1/operator/reversals", {"entry": str(entry), "reason": reason}, key=key)


async def pay(payer: Person, payee: Person, amount: str, key: str) -> str:
    sent = await payer.client.post("/v1/payments", {"to": payee.id, "asset": "EUR", "amount": amount}, key=key)
    assert sent.status == 201, sent.raw
    return str(sent.body["id"])


async def euros(*people: Person) -> list[str]:
    return [(await balance(person.client, "EUR"))["available"] for person in people]


async def test_led_05_a_payment_is_reversed_once_and_its_retry_is_answered_alike(api_node: ApiNode) -> None:
    ann, ben = await api_node.person(EUR="100.00"), await api_node.person()
    payment = await pay(ann, ben, "60.00", "p")
    done = await reverse(api_node.operator, payment, "r-once")
    assert done.status == 201, done.raw
    assert (done.body["reversed"], done.body["reason"]) == (payment, REASON)
    assert done.body["moved"] == [
        {"from": f"{ben.id}:balance:EUR", "to": f"{ann.id}:balance:EUR", "asset": "EUR", "amount": "60.00"}
    ]
    assert await euros(ann, ben) == ["100.00", "0.00"]
    again = await reverse(api_node.operator, payment, "r-once")
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (done.raw, "true")
    by_position = await reverse(api_node.operator, done.body["entry"], "r-seq")
    for twice in (await reverse(api_node.operator, payment, "r-twice"), by_position):
        assert (twice.status, twice.code) == (409, "already_reversed")
    assert (await reverse(api_node.operator, payment, "r-once", "another")).code == "idempotency_key_reused"
    assert await euros(ann, ben) == ["100.00", "0.00"]
    listed = (await api_node.operator.get("/v1/operator/reversals")).body["items"]
    assert [item for item in listed if item["reversed"] == payment] == [
        {name: done.body[name] for name in ("entry", "reversed", "reason", "created_at")}
    ]
    await proven(api_node.dsns.books)


async def test_both_sides_are_told_of_a_reversal_and_neither_why(api_node: ApiNode) -> None:
    ann, ben = await api_node.person(EUR="100.00"), await api_node.person()
    payment = await pay(ann, ben, "60.00", "p")
    done = await reverse(api_node.operator, payment, "r-told")
    for person in (ann, ben):
        last = (await person.client.get("/v1/events")).body["items"][-1]
        told = {"reversed": payment, "created_at": done.body["created_at"]}
        assert (last["type"], last["data"]) == ("entry.reversed", told)
        line = (await person.client.get("/v1/transfers?asset=EUR")).body["items"][0]
        assert (line["kind"], line["amount"]) == ("entry.reversed", "60.00")


async def test_what_the_receiver_has_spent_is_owed_and_repaid_by_what_arrives(api_node: ApiNode) -> None:
    ann, ben, cem = await api_node.person(EUR="100.00"), await api_node.person(), await api_node.person()
    payment = await pay(ann, ben, "60.00", "p")
    await pay(ben, cem, "45.00", "spent")
    done = await reverse(api_node.operator, payment, "r-spent")
    assert [(part["from"].split(":")[1], part["amount"]) for part in done.body["moved"]] == [
        ("balance", "15.00"),
        ("receivable", "45.00"),
    ]
    assert await euros(ann, ben, cem) == ["100.00", "0.00", "45.00"]
    await api_node.world.fund(ben.id, "EUR", "50.00")
    assert await euros(ben) == ["5.00"]
    await proven(api_node.dsns.books)


async def test_a_settlement_is_reversed_with_all_of_its_legs(api_node: ApiNode) -> None:
    platform = await exchange(api_node)
    before = await standing(platform.client)
    hold = (await place(platform, "h", "0.25000000", asset="BTC")).body["id"]
    legs = [*trade(), leg(hold, "ref:ben", "BTC", "0.25000000")]
    posted = await settle(platform.client, "s", legs)
    done = await reverse(api_node.operator, posted.body["id"], "r-settlement")
    assert done.status == 201, done.raw
    assert (await standing(platform.client), await collected(platform.client)) == (
        before,
        [{"account": "fees", "asset": "EUR", "amount": "0.00"}],
    )
    assert (await platform.client.get(f"/v1/holds/{hold}")).body["status"] == "settled"
    assert (await platform.client.get("/v1/events")).body["items"][-1]["data"]["reversed"] == posted.body["id"]
    await proven(api_node.dsns.books)


async def test_a_frozen_receiver_gives_back_and_a_paused_asset_waits(api_node: ApiNode) -> None:
    ann, ben = await api_node.person(EUR="100.00"), await api_node.person()
    first, second = await pay(ann, ben, "10.00", "p-1"), await pay(ann, ben, "20.00", "p-2")
    context = api_node.world.context
    await freeze_customer(context, "test", ben.id, "looking into it")
    assert (await reverse(api_node.operator, first, "r-frozen")).status == 201
    assert await euros(ann, ben) == ["80.00", "20.00"]
    await pause_asset(context, "test", "EUR", "looking into it")
    refused = await reverse(api_node.operator, second, "r-paused")
    await resume_asset(context, "test", "EUR", "found")
    assert (refused.status, refused.code) == (409, "asset_paused")
    assert (await reverse(api_node.operator, second, "r-paused")).status == 201


async def test_led_05_what_is_not_reversed_says_what_to_do_instead(api_node: ApiNode) -> None:
    platform = await api_node.platform(EUR="100.00")
    ben = await api_node.person()
    payment = await pay(platform, ben, "1.00", "p")
    hold = (await place(platform, "h", "10.00", customer=platform.id)).body["id"]
    reversal = (await reverse(api_node.operator, payment, "r-first")).body["entry"]
    async with connected(api_node.dsns.books) as connection:
        kinds = {
            row["kind"]: row["seq"]
            for row in await connection.fetch("SELECT kind, max(seq) AS seq FROM journal GROUP BY kind")
        }
    told = {
        hold: "void what is left",
        kinds["hold.placed"]: "void what is left",
        kinds["entry.reversed"]: "make the payment again",
        kinds["deposit.credited"]: "charge-back",
        kinds["customer.created"]: "no money moved",
    }
    for number, (entry, instead) in enumerate(told.items()):
        refused = await reverse(api_node.operator, entry, f"r-not-{number}")
        assert (refused.status, refused.code) == (409, "not_reversible"), entry
        assert instead in refused.body["detail"]
    assert reversal in [item["entry"] for item in (await api_node.operator.get("/v1/operator/reversals")).body["items"]]
    assert await euros(platform, ben) == ["90.00", "0.00"]


async def test_nothing_that_is_no_entry_is_reversed(api_node: ApiNode) -> None:
    unknown = f"pay_{encode_ulid(0, 0)}"
    for number, (entry, status) in enumerate(
        {unknown: 404, "999999999999": 404, "0": 400, "pay_x": 400, "": 400}.items()
    ):
        assert (await reverse(api_node.operator, entry, f"r-none-{number}")).status == status, entry
    ann, ben = await api_node.person(EUR="10.00"), await api_node.person()
    payment = await pay(ann, ben, "1.00", "p")
    assert (await reverse(api_node.operator, payment, "r-blank", "   ")).code == "not_allowed"
    assert (await reverse(ann.client, payment, "r-own")).code == "scope_missing"
    assert await euros(ann, ben) == ["9.00", "1.00"]


@pytest.fixture
async def signing_operator(api_node: ApiNode) -> AsyncIterator[Client]:
    async with (
        signing(api_node.dsns.books) as journal,
        serving(replace(api_node.world.context, journal=journal)) as client,
    ):
        yield client.as_(api_node.operator.secret)


async def test_a_reversal_brings_a_receipt(api_node: ApiNode, signing_operator: Client) -> None:
    ann, ben = await api_node.person(EUR="10.00"), await api_node.person()
    done = await reverse(signing_operator, await pay(ann, ben, "1.00", "p"), "r-receipt")
    claim = verify_receipt(Receipt.from_json(json.dumps(done.body["receipt"])), KEY.id)
    assert (claim["kind"], claim["result"]["entry"]) == ("entry.reversed", done.body["entry"])


async def test_the_command_says_what_went_back_and_what_is_owed_now(
    api_node: ApiNode, capsys: pytest.CaptureFixture[str]
) -> None:
    ann, ben, cem = await api_node.person(EUR="100.00"), await api_node.person(), await api_node.person()
    first, second = await pay(ann, ben, "60.00", "p-1"), await pay(ann, ben, "1.00", "p-2")
    await pay(ben, cem, "61.00", "spent")
    context = api_node.world.context
    assert await command(context, first, REASON, as_json=False) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"{first} is reversed",
        f"  60.00 EUR from {ben.id}:receivable:EUR to {ann.id}:balance:EUR  (spent already: owed from now on)",
    ]
    assert await command(context, second, REASON, as_json=True) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["reversed"], told["moved"][0]["amount"]) == (second, "1.00")
    with pytest.raises(AlreadyReversed):
        await command(context, first, REASON, as_json=False)
