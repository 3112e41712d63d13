"""The queue over the API: what waits is shown in words, signed by people, and its owner is told what it waits for."""

from typing import Any

from tests.approvers import enrolled, two_agree
from tests.integration.api.client import Reply
from tests.integration.api.conftest import ApiNode
from wallet.access.keys import OPERATOR_SCOPES
from wallet.policy.versions import draft_policy

POLICY = 'otherwise = 0\n[networks.bitcoin.BTC]\namount = [{ from = "0.3", approvals = 1 }]\n'
PATH = "/v1/operator/approvals"


def to_chain(amount: str) -> dict[str, Any]:
    return {"network": "bitcoin", "asset": "BTC", "amount": amount, "destination": {"address": "outside-approved"}}


async def test_a_withdrawal_waits_for_people_and_its_owner_reads_so(api_node: ApiNode) -> None:
    world, alice = api_node.world, await api_node.person(BTC="2")
    tried = (await api_node.operator.post("/v1/operator/policy/test", {"policy": POLICY, "days": 1})).body
    assert (tried["caught"], tried["list"]) == (0, [])
    refused = await api_node.operator.post("/v1/operator/policy/test", {"policy": "x", "days": 1})
    assert (refused.status, refused.code) == (400, "policy_refused")
    await two_agree(world, await draft_policy(world.context, POLICY, "a test"))
    (ann,) = await enrolled(world, "ann")
    shown = (await api_node.operator.get("/v1/operator/policy")).body
    assert (shown["version"]["policy"], len(shown["words"])) == (POLICY, 2)
    made = await alice.client.post("/v1/withdrawals", to_chain("0.3"), key="waits")
    name = made.body["id"]
    assert (await alice.client.get(f"/v1/withdrawals/{name}")).body["waits_for"] == "approval"
    listed = (await api_node.operator.get(PATH)).body["items"]
    assert [(one["withdrawal"], one["missing"]) for one in listed] == [(name, 1)]
    act = (await api_node.operator.get(f"{PATH}/{name}")).body
    assert act["sentence"].startswith("pay 0.30000000 BTC on bitcoin to outside-approved for customer cus_")
    signed = ann.sign(act["digest"])
    sent = {"digest": act["digest"], "key": signed.key, "signature": signed.signature}
    assert (await alice.client.post(f"{PATH}/{name}/approve", sent)).status == 403
    assert (await stolen(api_node, name, sent)).code == "not_allowed"
    client = api_node.anybody.as_(await world.key(ann.principal.owner, *OPERATOR_SCOPES))
    assert (await client.post(f"{PATH}/{name}/approve", {**sent, "digest": "ab" * 32})).code == "other_act"
    assert (await client.post(f"{PATH}/{name}/approve", sent)).body["missing"] == 0
    assert (await alice.client.get(f"/v1/withdrawals/{name}")).body["waits_for"] != "approval"
    second = (await alice.client.post("/v1/withdrawals", to_chain("0.5"), key="declined")).body["id"]
    declined = await client.post(f"{PATH}/{second}/reject", {"reason": "please call us"})
    assert (declined.status, declined.body["status"]) == (200, "rejected")
    told = (await alice.client.get(f"/v1/withdrawals/{second}")).body
    assert (told["status"], told["reason"]) == ("rejected", "declined")
    await two_agree(world, await draft_policy(world.context, "otherwise = 0\n", "over"))


async def stolen(api_node: ApiNode, name: str, sent: dict[str, Any]) -> Reply:
    """Another operator's API key with a signature that is not theirs."""
    return await api_node.operator.post(f"{PATH}/{name}/approve", sent)
