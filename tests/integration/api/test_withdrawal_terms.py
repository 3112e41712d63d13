"""What a withdrawal costs: the network fee on top or out of the amount, promised by a quote; and nothing inside the node."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, select

from tests.databases import FreshDatabases
from tests.fakes.world import BITCOIN
from tests.integration.api.client import balance
from tests.integration.api.conftest import ApiNode, Person, running_api
from tests.integration.wallet.changes import proven
from wallet import schema
from wallet.customers.close import close_customer
from wallet.errors import QuoteExpired
from wallet.ledger.accounts import HOUSE
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.pay import pay_withdrawals

FEE = "0.00001000"  # what the fake network asks


@pytest.fixture(scope="module")
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


def to_chain(amount: str, address: str = "outside-1", **more: object) -> dict[str, Any]:
    return {"network": "bitcoin", "asset": "BTC", "amount": amount, "destination": {"address": address}, **more}


def asked(amount: str, **more: object) -> dict[str, Any]:
    return {"network": "bitcoin", "asset": "BTC", "amount": amount, **more}


async def pay(api_node: ApiNode) -> None:
    network = api_node.world.networks[BITCOIN]
    await pay_withdrawals(api_node.world.context, network)
    network.mine(network.depth)
    await drive_submissions(api_node.world.context, network)


async def test_an_included_fee_is_taken_out_of_the_amount_to_the_last_unit(api_node: ApiNode) -> None:
    alice, network = await api_node.person(BTC="0.10000000"), api_node.world.networks[BITCOIN]
    all_of_it = to_chain("0.10000000", "all-of-it", fee="included")
    made = await alice.client.post("/v1/withdrawals", all_of_it, key="w")
    figures = {name: made.body[name] for name in ("amount", "network_fee", "fee", "total")}
    assert figures == {"amount": "0.09999000", "network_fee": FEE, "fee": "included", "total": "0.10000000"}
    assert (await balance(alice.client, "BTC"))["available"] == "0.00000000"
    await pay(api_node)
    assert network.received("all-of-it") == {"BTC": 9_999_000}
    assert (await balance(alice.client, "BTC"))["posted"] == "0.00000000"


@pytest.mark.parametrize(
    ("amount", "mode", "code"),
    [
        ("0.00001000", "included", "amount_refused"),  # the fee leaves nothing
        ("0.00000999", "included", "amount_refused"),
        ("0.00001001", "included", None),  # one unit arrives
        ("0.00000001", "charged", None),
        ("0.00000000", "charged", "amount_refused"),
        ("0.00000000", "included", "amount_refused"),
        ("0.10000000", "charged", "insufficient_funds"),  # the fee is not covered
        ("0.09999000", "charged", None),
        ("0.09999001", "charged", "insufficient_funds"),
        ("0.10000001", "included", "insufficient_funds"),
    ],
)
async def test_the_edges_of_a_fee_are_exact(api_node: ApiNode, amount: str, mode: str, code: str | None) -> None:
    alice = await api_node.person(BTC="0.10000000")
    reply = await alice.client.post("/v1/withdrawals", to_chain(amount, fee=mode), key="w")
    assert (reply.status, reply.code) == ((201, None) if code is None else (reply.status, code)), reply.raw
    quoted = await alice.client.post("/v1/withdrawals/quote", asked(amount, fee=mode))
    if code != "amount_refused":
        assert quoted.status == 200
        held = (await balance(alice.client, "BTC"))["held"]
        assert held == (quoted.body["total"] if code is None else "0.00000000")
    if code is None:
        await alice.client.post(f"{reply.headers['Location']}/cancel", key="c")
    assert (await balance(alice.client, "BTC"))["available"] == "0.10000000"


async def test_the_least_counts_what_arrives(api_node: ApiNode) -> None:
    network = api_node.world.networks[BITCOIN]
    before, network.listings = (
        network.listings,
        tuple(replace(listing, withdrawal_min_units=5_000) for listing in network.listings),
    )
    alice = await api_node.person(BTC="0.1")
    try:
        for sent, status in (
            (to_chain("0.00004999"), 400),
            (to_chain("0.00005000"), 201),
            (to_chain("0.00005999", fee="included"), 400),
            (to_chain("0.00006000", fee="included"), 201),
        ):
            reply = await alice.client.post("/v1/withdrawals", sent, key=f"{sent}")
            assert reply.status == status, (sent, reply.raw)
    finally:
        network.listings = before


async def test_a_quoted_fee_is_paid_though_the_network_asks_for_more_by_then(api_node: ApiNode) -> None:
    alice, network = await api_node.person(BTC="0.5"), api_node.world.networks[BITCOIN]
    quote = (await alice.client.post("/v1/withdrawals/quote", asked("0.1"))).body
    assert (quote["amount"], quote["network_fee"], quote["total"]) == ("0.10000000", FEE, "0.10001000")
    network.fee_units, network.silent = 50_000, True
    try:
        named = to_chain("0.1", quote=quote["quote"])
        made = await alice.client.post("/v1/withdrawals", named, key="w")
        assert (made.status, made.body["network_fee"]) == (201, FEE), "nobody asks the network again"
        assert (await alice.client.post("/v1/withdrawals", named, key="w")).raw == made.raw
        network.silent = False
        dearer = await alice.client.post("/v1/withdrawals", to_chain("0.1"), key="w2")
        assert dearer.body["network_fee"] == "0.00050000"
    finally:
        network.fee_units, network.silent = 1_000, False


async def test_a_quote_is_for_one_owner_one_network_one_amount_and_one_fee(api_node: ApiNode) -> None:
    alice, mallory = await api_node.person(BTC="0.5", EUR="5"), await api_node.person(BTC="0.5")
    quote = (await alice.client.post("/v1/withdrawals/quote", asked("0.1"))).body["quote"]
    bank = {"network": "sepa", "asset": "EUR", "amount": "1.00", "destination": {"address": "outside-1", "name": "B"}}
    for person, sent in (
        (mallory, to_chain("0.1", quote=quote)),
        (alice, to_chain("0.2", quote=quote)),
        (alice, to_chain("0.1", quote=quote, fee="included")),
        (alice, {**bank, "quote": quote}),
        (alice, to_chain("0.1", quote=quote[:-2] + "AA")),
        (alice, to_chain("0.1", quote="x")),
    ):
        refused = await person.client.post("/v1/withdrawals", sent, key="w")
        assert (refused.status, refused.code) == (400, "quote_refused"), sent
    assert (await alice.client.get("/v1/withdrawals")).body["items"] == []


async def test_a_quote_that_is_over_is_refused_and_a_retry_still_gets_the_first_answer(
    api_node: ApiNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await api_node.person(BTC="0.5")
    held = (await alice.client.post("/v1/withdrawals/quote", asked("0.1"))).body["quote"]
    named = to_chain("0.1", quote=held)
    made = await alice.client.post("/v1/withdrawals", named, key="w")
    assert made.status == 201
    monkeypatch.setattr("api.v1.withdrawals.QUOTE_LIFE", timedelta(0))
    over = (await alice.client.post("/v1/withdrawals/quote", asked("0.1"))).body["quote"]
    refused = await alice.client.post("/v1/withdrawals", to_chain("0.1", quote=over), key="w2")
    assert (refused.status, refused.code) == (409, "quote_expired")

    async def always(*_: object) -> None:
        raise QuoteExpired(api_node.world.context.clock.now())

    monkeypatch.setattr("wallet.withdrawals.request.fixed_fee", always)
    assert (await alice.client.post("/v1/withdrawals", named, key="w")).raw == made.raw


# ── inside the node ──────────────────────────────────────────────────────────────────────────────────────────────────


def _house() -> Select[Any]:
    return select(schema.addresses).where(schema.addresses.c.network == BITCOIN, schema.addresses.c.owner == HOUSE)


async def address_of(person: Person) -> str:
    made: str = (await person.client.post("/v1/addresses", {"network": "bitcoin"})).body["address"]
    return made


async def test_wdr_13_a_withdrawal_to_another_customers_address_is_a_payment_without_a_fee(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(BTC="0.5"), await api_node.person()
    network = api_node.world.networks[BITCOIN]
    sent = to_chain("0.50000000", await address_of(bob))  # all of it: no fee is needed
    network.silent = True
    try:
        made = await alice.client.post("/v1/withdrawals", sent, key="w")
    finally:
        network.silent = False
    assert (made.status, made.body["status"], made.body["network_fee"]) == (201, "final", "0.00000000"), made.raw
    assert (made.body["waits_for"], made.body["txs"]) == (None, [])
    assert await balance(bob.client, "BTC") == {
        "posted": "0.50000000",
        "held": "0.00000000",
        "available": "0.50000000",
    }
    assert (await balance(alice.client, "BTC"))["posted"] == "0.00000000"
    payment = (await bob.client.get(f"/v1/payments/{made.body['payment']}")).body
    assert (payment["payer"], payment["payee"], payment["amount"]) == (alice.id, bob.id, "0.50000000")
    events = (await bob.client.get("/v1/events")).body["items"]
    (told,) = [event for event in events if event["type"] == "payment.sent"]
    assert told["data"]["withdrawal"] == made.body["id"]
    assert (await alice.client.post("/v1/withdrawals", sent, key="w")).raw == made.raw
    late = await alice.client.post(f"{made.headers['Location']}/cancel", key="c")
    assert (late.status, late.code) == (409, "not_cancellable")
    waiting = select(schema.withdrawals.c.state).where(schema.withdrawals.c.id == made.body["id"])
    assert await api_node.world.context.all(waiting) == [{"state": "final"}], "no worker takes it up"
    assert (await api_node.operator.get(f"/v1/explain/{made.body['id']}")).status == 200
    await proven(api_node.dsns.owner)


async def test_wdr_13_addresses_here_that_nobody_can_be_paid_at_are_refused(api_node: ApiNode) -> None:
    alice, bob, gone = await api_node.person(BTC="0.5"), await api_node.person(), await api_node.person()
    left = await address_of(gone)
    await close_customer(api_node.world.context, "a test", gone.id, "a test")
    house = (await api_node.world.context.all(_house()))[0]["address"]
    for address in (await address_of(alice), left, house):
        refused = await alice.client.post("/v1/withdrawals", to_chain("0.1", address), key="w")
        assert (refused.status, refused.code) == (400, "destination_refused"), address
    assert (await balance(alice.client, "BTC"))["available"] == "0.50000000"
    paid = await alice.client.post("/v1/withdrawals", to_chain("0.1", await address_of(bob)), key="w")
    assert paid.status == 201, "the same key is free: nothing was refused for ever"
