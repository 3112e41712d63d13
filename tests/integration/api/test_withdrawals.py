from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.databases import FreshDatabases
from tests.fakes.world import BITCOIN, SEPA
from tests.integration.api.client import balance
from tests.integration.api.conftest import ApiNode, running_api
from tests.integration.wallet.changes import connected
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.pay import pay_withdrawals

COUNT = 'SELECT count(*) FROM "{}" AS t WHERE t::text ILIKE $1 OR t::text ILIKE $2'
IBAN, HOLDER = "fr7630006000011234567890189", "Zoe Canary Holder"


@pytest.fixture(scope="module")
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    """Books of their own: what others have asked for and left open would be paid here as well."""
    async with running_api(databases, tmp_path_factory) as node:
        yield node


def to_bank(amount: str = "5.00") -> dict[str, object]:
    destination = {"address": IBAN, "name": HOLDER}
    return {"network": "sepa", "asset": "EUR", "amount": amount, "destination": destination}


def to_chain(amount: str = "0.10000000") -> dict[str, object]:
    return {"network": "bitcoin", "asset": "BTC", "amount": amount, "destination": {"address": "outside-1"}}


async def test_a_withdrawal_holds_amount_and_quoted_fee_and_is_followed_to_final(api_node: ApiNode) -> None:
    alice, network = await api_node.person(BTC="0.5"), api_node.world.networks[BITCOIN]
    quote = (await alice.client.get("/v1/withdrawals/quote?network=bitcoin&asset=BTC&amount=0.1")).body
    assert (quote["amount"], quote["network_fee"], quote["total"]) == ("0.10000000", "0.00001000", "0.10001000")
    requested = await alice.client.post("/v1/withdrawals", to_chain(), key="w")
    assert requested.status == 201, requested.raw
    assert requested.body["status"] == "requested"
    assert requested.body["destination"] == {"address": "outside-1", "name": None}
    assert await balance(alice.client, "BTC") == {
        "posted": "0.50000000",
        "held": "0.10001000",
        "available": "0.39999000",
    }
    await pay_withdrawals(api_node.world.context, network)
    network.mine(network.depth)
    await drive_submissions(api_node.world.context, network)
    path = requested.headers["Location"]
    done = (await alice.client.get(path)).body
    assert (done["status"], len(done["txs"])) == ("final", 1)
    assert done["final_at"] is not None
    assert done["txs"][0] in network.txs
    assert await balance(alice.client, "BTC") == {
        "posted": "0.39999000",
        "held": "0.00000000",
        "available": "0.39999000",
    }
    replay = await alice.client.post("/v1/withdrawals", to_chain(), key="w")
    assert replay.raw == requested.raw
    late = await alice.client.post(f"{path}/cancel", key="c")
    assert (late.status, late.code, late.body["state"]) == (409, "not_cancellable", "final")


async def test_a_cancelled_withdrawal_gives_the_money_back_once(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="20.00")
    path = (await alice.client.post("/v1/withdrawals", to_bank(), key="w")).headers["Location"]
    cancelled = await alice.client.post(f"{path}/cancel", key="c")
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    again = await alice.client.post(f"{path}/cancel", key="c")
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (cancelled.raw, "true")
    other_key = await alice.client.post(f"{path}/cancel", key="c2")
    assert (other_key.status, other_key.code) == (409, "not_cancellable")
    assert await balance(alice.client, "EUR") == {"posted": "20.00", "held": "0.00", "available": "20.00"}


async def test_a_bank_destination_is_shown_to_its_owner_alone_and_stored_nowhere_in_clear(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="20.00")
    made = await alice.client.post("/v1/withdrawals", to_bank(), key="w")
    assert made.body["destination"] == {"address": IBAN, "name": HOLDER}
    shown = await api_node.operator.get(made.headers["Location"])
    assert shown.body["destination"] is None
    events = await alice.client.get("/v1/events")
    for canary in (IBAN, HOLDER):
        assert canary not in events.raw.decode()
        assert await occurrences(api_node, canary) == 0
    assert await occurrences(api_node, made.body["id"]) > 0


async def test_destinations_that_cannot_be_paid_are_refused(api_node: ApiNode) -> None:
    alice = await api_node.person(BTC="0.5", EUR="5.00")
    ours = (await alice.client.post("/v1/addresses", {"network": "bitcoin"})).body["address"]
    for content in (
        {**to_chain(), "destination": {"address": "NOT/AN/ADDRESS"}},
        {**to_chain(), "destination": {"address": ours}},
        {**to_bank(), "destination": {"address": IBAN}},
    ):
        reply = await alice.client.post("/v1/withdrawals", content, key="d")
        assert (reply.status, reply.code) == (400, "destination_refused"), content
    assert (await alice.client.get("/v1/withdrawals")).body["items"] == []


async def test_a_network_that_does_not_answer_is_no_failure_of_the_request(api_node: ApiNode) -> None:
    alice, network = await api_node.person(BTC="0.5"), api_node.world.networks[BITCOIN]
    network.silent = True
    try:
        reply = await alice.client.post("/v1/withdrawals", to_chain(), key="w")
    finally:
        network.silent = False
    assert (reply.status, reply.code) == (503, "network_unavailable")
    assert "silent" not in reply.raw.decode()
    assert (await alice.client.post("/v1/withdrawals", to_chain(), key="w")).status == 201
    assert api_node.world.networks[SEPA].silent is False


async def test_idm_01_a_retry_gets_the_first_answer_while_the_network_is_silent(api_node: ApiNode) -> None:
    alice, network = await api_node.person(BTC="0.5"), api_node.world.networks[BITCOIN]
    first = await alice.client.post("/v1/withdrawals", to_chain(), key="w")
    network.silent = True
    try:
        again = await alice.client.post("/v1/withdrawals", to_chain(), key="w")
    finally:
        network.silent = False
    assert (again.status, again.raw) == (201, first.raw)


async def occurrences(api_node: ApiNode, canary: str) -> int:
    """In how many rows of the whole database this text stands, in clear or as hexadecimal bytes."""
    connection = await asyncpg.connect(api_node.dsns.owner)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        counts = [await connection.fetchval(COUNT.format(row["tablename"]), *sought(canary)) for row in tables]
    finally:
        await connection.close()
    return sum(counts)


def sought(canary: str) -> tuple[str, str]:
    return f"%{canary}%", f"%{canary.encode().hex()}%"


async def test_idm_06_a_withdrawals_client_reference_is_refused_after_its_request_is_forgotten(
    api_node: ApiNode,
) -> None:
    alice = await api_node.person(EUR="20.00")
    sent = {"network": "sepa", "asset": "EUR", "amount": "1.00", "destination": {"address": "outside-1", "name": "Bob"}}
    named = {**sent, "client_reference": "payout-1"}
    first = await alice.client.post("/v1/withdrawals", named, key="k")
    assert first.body["client_reference"] == "payout-1"
    assert (await alice.client.post("/v1/withdrawals", named, key="k")).body == first.body
    async with connected(api_node.dsns.owner) as connection:
        assert await connection.execute("DELETE FROM requests WHERE owner = $1", alice.id) == "DELETE 1"
    elsewhere = api_node.other_instance.as_(alice.client.secret)  # where it is not in the process's memory either
    for key in ("k", "another"):
        refused = await elsewhere.post("/v1/withdrawals", named, key=key)
        assert (refused.status, refused.code) == (409, "duplicate_reference"), key
    assert (await balance(alice.client, "EUR"))["held"] == "1.00"
