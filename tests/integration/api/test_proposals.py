"""Four eyes over the API: an exact act, another operator's yes to that very act, carried out once, on record."""

import asyncio
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from tests.fakes.clock import StillClock
from tests.fakes.world import ETHEREUM
from tests.integration.api.client import Client
from tests.integration.api.conftest import ApiNode
from wallet import schema
from wallet.access.keys import OPERATOR_SCOPES, create_key, revoke_key
from wallet.ports.tokens import TokenFacts
from wallet.proposals.carry_out import carry_out_proposals
from wallet.proposals.find import find_proposal

PATH = "/v1/operator/proposals"


async def second_operator(node: ApiNode, handle: str) -> Client:
    return node.anybody.as_(await node.world.key(await node.world.operator(handle), *OPERATOR_SCOPES))


def token(node: ApiNode, number: int) -> str:
    contract = f"0x{number:040x}"
    node.world.networks[ETHEREUM].mine(2)
    node.world.networks[ETHEREUM].contracts[contract] = TokenFacts(contract, "TOK", 6, "0xcode", None, None)
    return contract


async def proposed(node: ApiNode, number: int, **more: Any) -> dict[str, Any]:
    wish = {
        "network": "ethereum",
        "contract": token(node, number),
        "symbol": f"TOK{number}",
        "sweep_min": "5",
        "reason": "asked for",
    }
    made = await node.operator.post(f"{PATH}/listings", {**wish, **more}, key=f"listing-{number}-{sorted(more)}")
    assert made.status == 201, made.body
    return dict(made.body)


async def test_a_token_is_listed_by_one_operator_and_another(api_node: ApiNode) -> None:
    ben, act = await second_operator(api_node, "ben_lists"), await proposed(api_node, 101)
    assert (act["status"], act["content"]["code_hash"], act["content"]["decimals"]) == ("proposed", "0xcode", "6")
    assert (await proposed(api_node, 101)) == act, "a retry under the same key"
    own = await api_node.operator.post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})
    assert (own.status, own.body["code"]) == (403, "own_proposal")
    approved = await ben.post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})
    assert (approved.status, approved.body["status"]) == (200, "approved")
    for _ in range(2):
        await carry_out_proposals(api_node.world.context)
    done = (await ben.get(f"{PATH}/{act['id']}")).body
    assert (done["status"], done["outcome"]) == ("done", "listed")
    assets = {item["asset"] for item in (await ben.get("/v1/assets")).body["items"]}
    assert "TOK101" in assets
    again = await ben.post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})
    assert (again.status, again.body["code"], again.body["state"]) == (409, "proposal_ended", "done")


async def test_an_edited_act_is_another_act(api_node: ApiNode) -> None:
    ben, act = await second_operator(api_node, "ben_edits"), await proposed(api_node, 102)
    await ben.post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})
    edited = await proposed(api_node, 102, deposit_min="5", edits=act["id"])
    assert (edited["id"], edited["status"], edited["approvals"]) == (act["id"], "proposed", {})
    stale = await ben.post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})
    assert (stale.status, stale.body["code"]) == (409, "proposal_changed")
    await carry_out_proposals(api_node.world.context)
    assert (await ben.get(f"{PATH}/{act['id']}")).body["status"] == "proposed"


async def test_what_is_rejected_is_not_done_and_customers_see_none_of_it(api_node: ApiNode) -> None:
    ben, act = await second_operator(api_node, "ben_rejects"), await proposed(api_node, 103)
    rejected = await ben.post(f"{PATH}/{act['id']}/reject", {"reason": "nobody knows it"})
    assert (rejected.body["status"], rejected.body["outcome"]) == ("rejected", "nobody knows it")
    late = await ben.post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})
    assert late.body["code"] == "proposal_ended"
    open_ones = (await ben.get(f"{PATH}?status=proposed")).body["items"]
    assert act["id"] not in {item["id"] for item in open_ones}
    alice = await api_node.person()
    assert (await alice.client.get(PATH)).status == 403
    assert (await alice.client.post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})).status == 403


async def test_key_05_one_operator_with_two_keys_is_one_operator(api_node: ApiNode) -> None:
    world, ann = api_node.world, await api_node.world.operator("ann_twice")
    first, second = [api_node.anybody.as_(await world.key(ann, *OPERATOR_SCOPES)) for _ in range(2)]
    wish = {
        "network": "ethereum",
        "contract": token(api_node, 105),
        "symbol": "TOK105",
        "sweep_min": "5",
        "reason": "x",
    }
    act = (await first.post(f"{PATH}/listings", wish)).body
    refused = await second.post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})
    assert (refused.status, refused.body["code"]) == (403, "own_proposal")


async def test_key_05_a_revoked_key_approves_nothing_and_what_runs_out_is_not_done(api_node: ApiNode) -> None:
    world, ben = api_node.world, await api_node.world.operator("ben_leaves")
    made, secret = await create_key(world.context, "test", ben, OPERATOR_SCOPES, "test")
    act = await proposed(api_node, 106)
    await revoke_key(world.context, "test", ben, str(made.result["id"]))
    late = await api_node.anybody.as_(secret).post(f"{PATH}/{act['id']}/approve", {"digest": act["digest"]})
    assert late.status == 401
    row = await find_proposal(world.context, act["id"])
    await carry_out_proposals(replace(world.context, clock=StillClock(row["expires_at"])))
    assert (await api_node.operator.get(f"{PATH}/{act['id']}")).body["status"] == "expired"


async def test_key_05_approvals_at_once_carry_an_act_out_once(api_node: ApiNode) -> None:
    others = [await second_operator(api_node, f"at_once_{number}") for number in range(4)]
    act = await proposed(api_node, 107)
    path, sent = f"{PATH}/{act['id']}/approve", {"digest": act["digest"]}
    replies = await asyncio.gather(*[other.post(path, sent) for other in others])
    assert {reply.status for reply in replies} <= {200, 503}
    context = api_node.world.context
    await asyncio.gather(*[carry_out_proposals(context) for _ in range(3)])
    done = (await api_node.operator.get(f"{PATH}/{act['id']}")).body
    assert (done["status"], done["outcome"]) == ("done", "listed")
    listed = select(schema.listings).where(schema.listings.c.asset == "TOK107")
    assert len(await context.all(listed)) == 1


async def test_a_signature_that_is_none_is_not_kept(api_node: ApiNode) -> None:
    ben, act = await second_operator(api_node, "ben_signs"), await proposed(api_node, 104)
    wrong = {"digest": act["digest"], "key": "ab" * 32, "signature": "cd" * 64}
    refused = await ben.post(f"{PATH}/{act['id']}/sign", wrong)
    assert (refused.status, refused.body["code"]) == (403, "not_allowed")
    for missing in ("key", "signature"):
        half = {name: text for name, text in wrong.items() if name != missing}
        refused = await ben.post(f"{PATH}/{act['id']}/approve", half)
        assert (refused.status, refused.body["code"]) == (403, "not_allowed")
    found = (await ben.get(f"{PATH}/{act['id']}")).body
    assert (found["status"], found["signed_by"]) == ("proposed", [])
