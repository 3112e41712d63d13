"""An operator stops signing over the API; customers read why their withdrawals wait."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import FreshDatabases
from tests.fakes.signer import FakeSigner
from tests.integration.api.conftest import ApiNode, running_api
from wallet.stops.mirror import mirror_stops


@pytest.fixture
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


async def test_wdr_16_what_is_stopped_pauses_and_is_told_and_goes_on_when_the_signer_does(api_node: ApiNode) -> None:
    alice = await api_node.person(BTC="0.5")
    sent = {"network": "bitcoin", "asset": "BTC", "amount": "0.1", "destination": {"address": "outside-1"}}
    path = (await alice.client.post("/v1/withdrawals", sent, key="w")).headers["Location"]
    refused = await alice.client.post("/v1/operator/stops", {"scope": "all", "why": "mine"})
    assert refused.status == 403
    for scope in ("asset:BTC", "network:bitcoin"):
        told = await api_node.operator.post("/v1/operator/stops", {"scope": scope, "why": "odd withdrawals"})
        assert (told.status, told.body["items"][-1]["scope"]) == (200, scope)
    assert (await alice.client.get(path)).body["waits_for"] == "stopped"
    assert (await api_node.operator.get("/v1/operator/stops")).body["items"][0]["why"] == "odd withdrawals"
    signer = api_node.world.context.signer
    assert isinstance(signer, FakeSigner)
    signer.stops.clear()
    await mirror_stops(api_node.world.context)
    assert (await alice.client.get(path)).body["waits_for"] == "turn"
