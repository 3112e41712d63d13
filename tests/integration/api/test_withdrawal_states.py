"""What a customer reads of a withdrawal: its state, why it ended, and what it waits for."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from tests.databases import FreshDatabases
from tests.fakes.network import FakeNetwork
from tests.fakes.world import BITCOIN
from tests.integration.api.client import Client
from tests.integration.api.conftest import ApiNode, running_api
from wallet import schema
from wallet.assets.pause import pause_asset, resume_asset
from wallet.customers.freeze import freeze_customer, unfreeze_customer
from wallet.deposits.cursor import record_view
from wallet.networks.halt import halt_network, resume_network
from wallet.ports import FeeAbsurd, FeeTooHigh, FundsShort, SignerUnavailable, Unsigned
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.states import FOLLOWS, Reason, State, Wait


@pytest.fixture
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


async def test_every_state_reason_and_wait_is_told_in_words(api_node: ApiNode) -> None:
    told = (await api_node.operator.get("/v1/withdrawals/states")).body
    assert [one["code"] for one in told["states"]] == list(State)
    assert [one["code"] for one in told["reasons"]] == list(Reason)
    assert [one["code"] for one in told["waits"]] == list(Wait)
    for one in told["states"]:
        assert set(one["next"]) == FOLLOWS[State(one["code"])]
        assert one["cancellable"] == (one["code"] == State.REQUESTED)
    described = (await api_node.operator.get("/openapi.json")).body["components"]["schemas"]
    assert set(State) in [set(one["enum"]) for one in described.values() if "enum" in one]


async def waits(client: Client, path: str) -> str | None:
    one = (await client.get(path)).body
    (listed,) = (await client.get("/v1/withdrawals")).body["items"]
    assert listed == one
    wait: str | None = one["waits_for"]
    return wait


async def test_a_customer_reads_what_a_withdrawal_waits_for(api_node: ApiNode, monkeypatch: pytest.MonkeyPatch) -> None:
    world, network, me = api_node.world, api_node.world.networks[BITCOIN], "a test"
    context = world.context
    alice = await api_node.person(BTC="0.5")
    sent = {"network": "bitcoin", "asset": "BTC", "amount": "0.1", "destination": {"address": "outside-1"}}
    asked = await alice.client.post("/v1/withdrawals", sent, key="w")
    path = asked.headers["Location"]
    assert (asked.body["waits_for"], await waits(alice.client, path)) == ("turn", "turn")

    await pause_asset(context, me, "BTC", me)
    assert await waits(alice.client, path) == "asset_paused"
    await resume_asset(context, me, "BTC", me)
    await halt_network(context, me, BITCOIN, me)
    assert await waits(alice.client, path) == "network_halted"
    await resume_network(context, me, BITCOIN, me)
    await freeze_customer(context, me, alice.id, me)
    assert await waits(alice.client, path) == "account_frozen"
    await unfreeze_customer(context, me, alice.id, me)
    await record_view(context, BITCOIN, None, None, "NetworkUnreachable: no answer")
    assert await waits(alice.client, path) == "network"
    await world.look(BITCOIN)

    world.signer.absent = True
    with pytest.raises(SignerUnavailable):
        await pay_withdrawals(context, network)
    assert await waits(alice.client, path) == "signer"
    world.signer.absent = False
    for why, told in ((FundsShort, "funds"), (FeeTooHigh, "fees"), (FeeAbsurd, "fees")):
        with monkeypatch.context() as short:

            async def build(*_: object, why: type[Exception] = why) -> Unsigned:
                raise why("a test wished")

            short.setattr(FakeNetwork, "build", build)
            await pay_withdrawals(context, network)
        assert await waits(alice.client, path) == told

    await pay_withdrawals(context, network)
    assert await waits(alice.client, path) == "block"
    network.mine()
    await drive_submissions(context, network)
    assert await waits(alice.client, path) == "finality"
    network.mine(network.depth)
    await drive_submissions(context, network)
    assert await waits(alice.client, path) is None
    assert await context.all(select(schema.payout_waits)) == [], "what is over is not kept"


async def test_a_refusal_of_the_signer_is_told_as_a_code(api_node: ApiNode) -> None:
    alice = await api_node.person(BTC="0.5")
    sent = {"network": "bitcoin", "asset": "BTC", "amount": "0.1", "destination": {"address": "outside-1"}}
    path = (await alice.client.post("/v1/withdrawals", sent, key="w")).headers["Location"]
    api_node.world.signer.refusing = "an inner rule"
    await pay_withdrawals(api_node.world.context, api_node.world.networks[BITCOIN])
    assert (await alice.client.get(path)).body["reason"] == "not_allowed"
