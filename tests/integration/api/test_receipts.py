"""Receipts over HTTP: the owner of a payment or withdrawal gets one that proves it, and nobody else does."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import pytest

from tests.databases import FreshDatabases
from tests.integration.api.client import Client, serving
from tests.integration.api.conftest import ApiNode, Person, running_api
from tests.integration.api.test_platforms import fed, sub_accounts
from tests.integration.wallet.journal.sealing import KEY, signing
from wallet.ids import encode_ulid
from wallet.journal.receipts import Receipt, ReceiptForged, verify_receipt

_keys = count()


@pytest.fixture(scope="module")
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


@pytest.fixture
async def signing_node(api_node: ApiNode) -> AsyncIterator[Client]:
    """The same books, served by an instance whose Journal has a key."""
    async with (
        signing(api_node.dsns.books) as journal,
        serving(replace(api_node.world.context, journal=journal)) as client,
    ):
        yield client


async def paid(client: Client, payer: Person, payee: Person) -> str:
    content = {"to": payee.id, "asset": "EUR", "amount": "1.00"}
    answer = await client.as_(payer.client.secret).post("/v1/payments", content, key=f"receipt-{next(_keys)}")
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


async def test_both_sides_of_a_payment_can_prove_it(api_node: ApiNode, signing_node: Client) -> None:
    payer, payee, other = await api_node.person(EUR="10.00"), await api_node.person(), await api_node.person()
    payment = await paid(signing_node, payer, payee)
    for person in (payer, payee):
        answer = await person.client.get(f"/v1/receipts/{payment}")
        assert answer.status == 200, answer.body
        claim = verify_receipt(Receipt.from_json(answer.raw), KEY.id)
        assert (claim["kind"], claim["result"]["id"], claim["request"][0]) == ("payment.sent", payment, payer.id)
    assert (await other.client.get(f"/v1/receipts/{payment}")).code == "not_found"


async def test_the_answer_itself_brings_the_receipt_and_so_does_its_retry(
    api_node: ApiNode, signing_node: Client
) -> None:
    payer, payee, key = await api_node.person(EUR="10.00"), await api_node.person(), f"receipt-{next(_keys)}"
    content, client = {"to": payee.id, "asset": "EUR", "amount": "1.00"}, signing_node.as_(payer.client.secret)
    first = await client.post("/v1/payments", content, key=key)
    receipt = Receipt.from_json(json.dumps(first.body["receipt"]))
    assert verify_receipt(receipt, KEY.id)["result"]["id"] == first.body["id"]
    again = await client.post("/v1/payments", content, key=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.body["receipt"] == first.body["receipt"]
    assert (await payer.client.get(f"/v1/receipts/{first.body['id']}")).body == first.body["receipt"]
    with pytest.raises(ReceiptForged):
        verify_receipt(replace(receipt, chain=bytes(32)), KEY.id)


async def test_a_retry_at_another_instance_brings_the_same_receipt_made_again(
    api_node: ApiNode, signing_node: Client
) -> None:
    payer, payee, key = await api_node.person(EUR="10.00"), await api_node.person(), f"receipt-{next(_keys)}"
    content = {"to": payee.id, "asset": "EUR", "amount": "1.00", "note": "for the cake", "client_reference": key}
    first = await signing_node.as_(payer.client.secret).post("/v1/payments", content, key=key)
    again = await payer.client.post("/v1/payments", content, key=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.body["receipt"] is not None
    assert again.body == first.body


async def test_a_withdrawal_has_a_receipt_of_its_request(api_node: ApiNode, signing_node: Client) -> None:
    owner = await api_node.person(EUR="10.00")
    content = {
        "network": "sepa",
        "asset": "EUR",
        "amount": "2.00",
        "destination": {"address": "DE89370400440532013000", "name": "Bob Example"},
    }
    asked = await signing_node.as_(owner.client.secret).post("/v1/withdrawals", content, key=f"receipt-{next(_keys)}")
    assert asked.status in {201, 202}, asked.body
    answer = await owner.client.get(f"/v1/receipts/{asked.body['id']}")
    assert verify_receipt(Receipt.from_json(answer.raw), KEY.id)["kind"] == "withdrawal.requested"


async def test_what_is_not_there_has_no_receipt(api_node: ApiNode) -> None:
    person = await api_node.person(EUR="10.00")
    for name in ("pay", "wdr", "hld", "stl"):
        assert (await person.client.get(f"/v1/receipts/{name}_{encode_ulid(0, 7)}")).code == "not_found"
    assert (await person.client.get("/v1/receipts/cus_x")).status == 404


async def test_a_platform_can_prove_what_it_did_with_its_sub_accounts_and_no_other_can(
    api_node: ApiNode, signing_node: Client
) -> None:
    platform, other = await api_node.platform(), await api_node.platform()
    await fed(api_node, platform, "ann", "EUR", "100.00")
    await sub_accounts(platform, "ben")
    client = signing_node.as_(platform.client.secret)
    moved = {"from": "ref:ann", "to": "ref:ben", "asset": "EUR", "amount": "1.00"}
    held = {"customer": "ref:ann", "asset": "EUR", "amount": "5.00"}
    trade = {"legs": [moved, {**moved, "to": "fees"}]}
    for path, content in (("payments", moved), ("holds", held), ("settlements", trade)):
        made = (await client.post(f"/v1/{path}", content, key="proof")).body["id"]
        answer = await platform.client.get(f"/v1/receipts/{made}")
        assert answer.status == 200, path
        assert verify_receipt(Receipt.from_json(answer.raw), KEY.id)["result"]["id"] == made
        assert (await other.client.get(f"/v1/receipts/{made}")).code == "not_found", path
