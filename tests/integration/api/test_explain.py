"""Explanations: the very entries behind an object, with their places and proofs, and to nobody else."""

import json
from typing import Any

import pytest

from node.commands.explain import explain
from tests.integration.api.client import Client
from tests.integration.api.conftest import ApiNode
from tests.integration.api.test_platforms import fed, moved, sub_accounts
from tests.integration.wallet.changes import connected
from wallet.access.keys import CUSTOMER_SCOPES, Scope
from wallet.errors import NotFound

WITHDRAWAL = {
    "network": "sepa",
    "asset": "EUR",
    "amount": "20.00",
    "destination": {"address": "outside-1", "name": "Bob"},
}


async def explained(client: Client, name: str) -> Any:
    reply = await client.get(f"/v1/explain/{name}")
    assert reply.status == 200, reply.raw
    return reply.body


async def made(client: Client, path: str, content: object, key: str = "k") -> str:
    reply = await client.post(path, content, key=key)
    assert reply.status == 201, reply.raw
    return str(reply.body["id"])


async def test_a_payment_is_explained_by_its_entry_and_each_side_sees_its_own_figures(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    sent = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "30.00", "client_reference": "mine-only"}
    payment = await made(alice.client, "/v1/payments", sent)
    by_operator = await explained(api_node.operator, payment)
    (change,) = by_operator["changes"]
    async with connected(api_node.dsns.books) as books:
        row = await books.fetchrow("SELECT * FROM journal WHERE seq = $1", change["position"])
        batch = await books.fetchrow("SELECT * FROM journal_batches WHERE last_seq = $1", change["batch"]["last"])
    assert row is not None
    assert batch is not None
    assert payment.encode() in row["body"]
    assert (change["kind"], change["hash"]) == ("payment.sent", row["hash"].hex())
    assert batch["first_seq"] <= change["position"] <= batch["last_seq"]
    (move,) = change["transfers"]
    assert (move["from"], move["to"]) == (f"{alice.id}:balance:EUR", f"{bob.id}:balance:EUR")
    assert [side["posted"] for side in move["after"]] == ["70.00", "30.00"]
    text = "\n".join(by_operator["words"])
    assert f"Journal position {change['position']}" in text
    assert f"{alice.id} paid 30.00 EUR to {bob.id}" in text
    for person, figure, hidden in ((alice, "70.00", "30.00"), (bob, "30.00", "70.00")):
        own = await explained(person.client, payment)
        (side,) = own["changes"][0]["transfers"][0]["after"]
        assert (side["account"], side["posted"]) == (f"{person.id}:balance:EUR", figure)
        assert own["changes"][0]["position"] is own["changes"][0]["batch"] is own["changes"][0]["actor"] is None
        told = str(own)
        assert f"{hidden} posted" not in told
        assert "mine-only" not in told
        assert "osition" not in "\n".join(own["words"])


async def test_a_deposit_is_explained_by_the_block_or_statement_that_proves_it(api_node: ApiNode) -> None:
    alice = await api_node.person(BTC="1.00000000")
    deposit = (await alice.client.get("/v1/deposits")).body["items"][0]
    told = await explained(alice.client, deposit["id"])
    (proof,) = told["evidence"]
    assert (proof["network"], proof["tx"]) == ("bitcoin", deposit["tx"])
    assert proof["height"] is not None
    assert proof["block"] is not None
    (change,) = told["changes"]
    assert (change["kind"], change["transfers"][0]["from"]) == ("deposit.credited", "house")
    assert f"in block {proof['height']}, {proof['block']}" in "\n".join(told["words"])
    by_operator = await explained(api_node.operator, deposit["id"])
    assert by_operator["changes"][0]["transfers"][0]["from"] == "house:hot@bitcoin:BTC"


async def test_a_withdrawal_is_explained_from_its_hold_to_its_end(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="50.00")
    withdrawal = await made(alice.client, "/v1/withdrawals", WITHDRAWAL)
    told = await explained(alice.client, withdrawal)
    assert [change["kind"] for change in told["changes"]] == ["withdrawal.requested"]
    assert "20.00 EUR is held for it." in told["words"]
    assert (await alice.client.post(f"/v1/withdrawals/{withdrawal}/cancel", key="c")).status == 200
    told = await explained(alice.client, withdrawal)
    moves = [move["move"] for change in told["changes"] for move in change["transfers"]]
    assert ([change["kind"] for change in told["changes"]][-1], moves) == ("withdrawal.cancelled", ["hold", "void"])
    async with connected(api_node.dsns.books) as books:
        hold = await books.fetchval("SELECT hold FROM withdrawals WHERE id = $1", withdrawal)
    by_hold = await explained(alice.client, hold)
    assert (by_hold["related"], by_hold["changes"]) == ([withdrawal], told["changes"])


async def test_a_balance_is_explained_by_what_came_in_what_went_out_and_what_is_held_for_what(
    api_node: ApiNode,
) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    await made(alice.client, "/v1/payments", {"to": f"@{bob.handle}", "asset": "EUR", "amount": "30.00"})
    withdrawal = await made(alice.client, "/v1/withdrawals", WITHDRAWAL)
    for client, name in ((alice.client, alice.id), (alice.client, f"@{alice.handle}"), (api_node.operator, alice.id)):
        told = await explained(client, name)
        (account,) = told["accounts"]
        figures = {"came_in": "100.00", "went_out": "30.00", "posted": "70.00", "held": "20.00", "available": "50.00"}
        assert figures.items() <= account.items()
        assert account["holds"] == [{"object": withdrawal, "amount": "20.00"}]
        assert told["related"] == [withdrawal]
        kinds = ["deposit.credited", "payment.sent", "withdrawal.requested"]
        assert [change["kind"] for change in told["changes"]] == kinds
        assert f"  20.00 EUR is held for {withdrawal}." in told["words"]


async def test_holds_settlements_and_reversals_are_explained_to_their_platform(api_node: ApiNode) -> None:
    platform = await api_node.platform()
    ann = await fed(api_node, platform, "ann", "EUR", "50.00")
    await sub_accounts(platform, "ben")
    hold = await made(platform.client, "/v1/holds", {"customer": "ref:ann", "asset": "EUR", "amount": "20.00"}, "h")
    legs = [
        {"from": hold, "to": "ref:ben", "asset": "EUR", "amount": "15.00"},
        {"from": "ref:ann", "to": "fees", "asset": "EUR", "amount": "1.00"},
        {"from": "ref:ben", "to": "self", "asset": "EUR", "amount": "0.37"},
    ]
    settlement = await made(platform.client, "/v1/settlements", {"legs": legs}, "s")
    assert (await platform.client.post(f"/v1/holds/{hold}/void", key="v")).status == 200
    by_hold = await explained(platform.client, hold)
    assert [c["kind"] for c in by_hold["changes"]] == ["hold.placed", "settlement.posted", "hold.voided"]
    told = await explained(platform.client, settlement)
    (change,) = told["changes"]
    assert [move["move"] for move in change["transfers"]] == ["settle", "post", "post", "post"]
    assert change["transfers"][0]["from"] == f"{ann}:balance:EUR"
    assert change["transfers"][2]["to"] == f"{platform.id}:fees:EUR"
    undone = await api_node.operator.post(
        "/v1/operator/reversals", {"entry": settlement, "reason": "a mistake"}, key=f"r-{settlement}"
    )
    assert undone.status == 201, undone.raw
    told = await explained(platform.client, settlement)
    assert [c["kind"] for c in told["changes"]] == ["settlement.posted", "entry.reversed"]
    assert "a mistake" not in str(told)
    back = (await platform.client.get("/v1/transfers?customer=ref:ann&kind=entry.reversed")).body["items"]
    assert {line["object"] for line in back} == {settlement}
    own = api_node.anybody.as_(await api_node.world.key(ann, *CUSTOMER_SCOPES))
    assert (await own.get(f"/v1/explain/{settlement}")).status == 404
    by_customer = await explained(own, hold)
    parts = [move for c in by_customer["changes"] for move in c["transfers"]]
    assert {move["from"] for move in parts} <= {f"{ann}:balance:EUR", "house", None}
    assert all(side["account"].startswith(ann) for move in parts for side in move["after"])
    assert "0.37" not in str(by_customer), "a leg between others"
    assert "0.37" in str(by_hold)


async def test_operators_explain_positions_and_single_transfers(api_node: ApiNode) -> None:
    platform = await api_node.platform(EUR="10.00")
    await sub_accounts(platform, "ben")
    legs = [
        {"from": "self", "to": "ref:ben", "asset": "EUR", "amount": "5.00"},
        {"from": "ref:ben", "to": "self", "asset": "EUR", "amount": "2.00"},
    ]
    settlement = await made(platform.client, "/v1/settlements", {"legs": legs})
    position = (await explained(api_node.operator, settlement))["changes"][0]["position"]
    whole = await explained(api_node.operator, str(position))
    assert [move["amount"] for move in whole["changes"][0]["transfers"]] == ["5.00", "2.00"]
    one = await explained(api_node.operator, f"{position}.1")
    assert (one["noun"], [move["amount"] for move in one["changes"][0]["transfers"]]) == ("transfer", ["2.00"])
    for name in (f"{position}.9", "999999999999"):
        assert (await api_node.operator.get(f"/v1/explain/{name}")).status == 404
    for name in (str(position), f"{position}.0"):
        refused = await platform.client.get(f"/v1/explain/{name}")
        assert (refused.status, refused.code) == (404, "not_found")


async def test_an_account_that_moves_too_often_is_searched_from_the_very_time_on_or_told_as_such(
    api_node: ApiNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    sent = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "1.00"}
    withdrawal = await made(alice.client, "/v1/withdrawals", WITHDRAWAL)
    payments = [await made(alice.client, "/v1/payments", sent, f"k{number}") for number in range(12)]
    assert (await alice.client.post(f"/v1/withdrawals/{withdrawal}/cancel", key="c")).status == 200
    monkeypatch.setattr("wallet.explain.changes.LOOKED_AT_MAX", 4)
    told = await explained(alice.client, payments[-1])
    assert [change["kind"] for change in told["changes"]] == ["payment.sent"]
    assert "there may be more" not in str(told["words"])
    monkeypatch.setattr("wallet.explain.changes.NEAR_MAX", 4)
    told = await explained(alice.client, withdrawal)
    assert [change["kind"] for change in told["changes"]] == ["withdrawal.requested"]
    assert "there may be more" in told["words"][-1]


async def test_nothing_of_another_is_explained(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    carol, platform, other = await api_node.person(), await api_node.platform(), await api_node.platform()
    sub = await fed(api_node, platform, "secret", "EUR", "10.00")
    payment = await made(alice.client, "/v1/payments", {"to": f"@{bob.handle}", "asset": "EUR", "amount": "1.00"})
    within = await made(platform.client, "/v1/payments", moved(sub, platform.id, "1.00"), "m")
    withdrawal = await made(alice.client, "/v1/withdrawals", WITHDRAWAL)
    deposit = (await alice.client.get("/v1/deposits")).body["items"][0]["id"]
    hold = await made(platform.client, "/v1/holds", {"customer": sub, "asset": "EUR", "amount": "2.00"}, "h")
    for name in (payment, withdrawal, deposit, alice.id, f"@{alice.handle}", within, hold, sub, "ref:secret"):
        for stranger in (carol.client, other.client):
            refused = await stranger.get(f"/v1/explain/{name}")
            assert (refused.status, refused.code) == (404, "not_found"), name
            if name[:3] in ("pay", "wdr", "dep", "hld"):
                nothing = f"{name[:4]}{'0' * 26}"
                unknown = await stranger.get(f"/v1/explain/{nothing}")
                assert unknown.raw.replace(nothing.encode(), name.encode()) == refused.raw, "as if it had never been"
    for name in (within, hold, sub, "ref:secret"):
        assert (await platform.client.get(f"/v1/explain/{name}")).status == 200, name
    wanting = api_node.anybody.as_(await api_node.world.key(alice.id, Scope.PAY))
    assert (await wanting.get(f"/v1/explain/{payment}")).code == "scope_missing"


@pytest.mark.parametrize("name", ["pay_1", "0", "1.2.3", "journal", "xyz_00000000000000000000000000", "%00", "-1"])
async def test_what_is_no_name_of_anything_is_not_found(api_node: ApiNode, name: str) -> None:
    refused = await api_node.operator.get(f"/v1/explain/{name}")
    assert (refused.status, refused.code) == (404, "not_found")


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Without the log, which goes the same way here and tells of requests some time after them."""
    return [line for line in capsys.readouterr().out.splitlines() if not line.startswith('{"request":')]


async def test_the_command_line_tells_the_same(api_node: ApiNode, capsys: pytest.CaptureFixture[str]) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    payment = await made(alice.client, "/v1/payments", {"to": f"@{bob.handle}", "asset": "EUR", "amount": "1.00"})
    for name in (payment, alice.id, f"@{alice.handle}"):
        by_api = await explained(api_node.operator, name)
        capsys.readouterr()
        assert await explain(api_node.world.context, name, as_json=True) == 0
        told = json.loads("".join(printed(capsys)))
        assert (told["words"], told["changes"]) == (by_api["words"], by_api["changes"])
        assert await explain(api_node.world.context, name, as_json=False) == 0
        assert [line[2:] for line in printed(capsys)[1:]] == by_api["words"]
    with pytest.raises(NotFound):
        await explain(api_node.world.context, "pay_nothing", as_json=False)
