from dataclasses import replace
from typing import Any

from tests.fakes.world import BITCOIN, BTC, SEPA
from tests.integration.api.client import Client
from tests.integration.api.conftest import ApiNode
from wallet.money import parse_amount
from wallet.ports import Branch


async def test_an_address_is_made_once_and_shown_ever_after(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(), await api_node.person()
    made = await alice.client.post("/v1/addresses", {"network": "bitcoin"})
    again = await alice.client.post("/v1/addresses", {"network": "bitcoin"})
    assert (made.status, again.status) == (201, 200)
    assert made.body == again.body
    assert made.body["assets"] == ["BTC"]
    assert made.body["instructions"] is None
    assert (await alice.client.get("/v1/addresses")).body["items"] == [made.body]
    other = await bob.client.post("/v1/addresses", {"network": "bitcoin"})
    assert other.body["address"] != made.body["address"]


async def test_at_a_bank_the_address_is_a_reference_with_instructions(api_node: ApiNode) -> None:
    alice = await api_node.person()
    made = (await alice.client.post("/v1/addresses", {"network": "sepa"})).body
    assert made["instructions"] == {
        "iban": "DE89370400440532013000",
        "bic": "COBADEFFXXX",
        "name": "Coffer Test",
        "reference": made["address"],
    }


async def test_a_customer_has_many_addresses_and_sees_what_arrived_at_each(api_node: ApiNode) -> None:
    alice, network = await api_node.person(), api_node.world.networks[BITCOIN]
    path = f"/v1/customers/{alice.id}/addresses"
    first = (await alice.client.post("/v1/addresses", {"network": "bitcoin"})).body
    made = await alice.client.post(path, {"network": "bitcoin", "label": "order-77"}, key="one more")
    again = await alice.client.post(path, {"network": "bitcoin", "label": "order-77"}, key="one more")
    another = await alice.client.post(path, {"network": "bitcoin", "label": "order-78"}, key="one more")
    assert (made.status, made.body["label"], again.body) == (201, "order-77", made.body)
    assert (again.headers.get("Idempotent-Replayed"), another.code) == ("true", "idempotency_key_reused")
    assert made.body["address"] != first["address"]
    assert (await alice.client.post("/v1/addresses", {"network": "bitcoin"})).body == first
    for text in ("0.5", "0.25"):
        network.pay_in(made.body["address"], parse_amount(text, BTC))
        network.mine(network.depth)
    network.pay_in(made.body["address"], parse_amount("0.125", BTC))
    network.mine()
    await api_node.world.look(BITCOIN)
    listed = (await alice.client.get(f"/v1/customers/@{alice.handle}/addresses")).body["items"]
    arrived = [
        {"asset": "BTC", "status": "credited", "deposits": 2, "amount": "0.75000000"},
        {"asset": "BTC", "status": "detected", "deposits": 1, "amount": "0.12500000"},
    ]
    assert listed == [{**made.body, "arrived": arrived}, {**first, "arrived": []}]


async def test_addresses_of_others_are_neither_made_nor_shown(api_node: ApiNode) -> None:
    alice, mallory = await api_node.person(), await api_node.person()
    path = f"/v1/customers/{alice.id}/addresses"
    assert (await mallory.client.post(path, {"network": "bitcoin"})).code == "not_found"
    assert (await mallory.client.get(path)).code == "not_found"
    for bad in ({"network": "bitcoin", "label": "for Anna"}, {"network": "bitcoin", "label": ""}, {"label": "x"}):
        assert (await alice.client.post(path, bad)).code == "invalid_request"
    assert (await alice.client.post(path, {"network": "nowhere"})).code == "not_found"
    assert (await alice.client.get(path)).body == {"items": [], "next_cursor": None}


async def test_a_deposit_is_followed_from_detected_to_credited(api_node: ApiNode) -> None:
    alice, network = await api_node.person(), api_node.world.networks[BITCOIN]
    address = (await alice.client.post("/v1/addresses", {"network": "bitcoin"})).body["address"]
    tx = network.pay_in(address, parse_amount("0.5", BTC))
    seen: list[tuple[str, int | None]] = []
    for _ in range(3):
        network.mine()
        await api_node.world.look(BITCOIN)
        deposit = await only_deposit(alice.client)
        seen.append((deposit["status"], deposit["confirmations"]))
    assert seen == [("detected", 1), ("credited", 2), ("credited", 3)]
    assert (deposit["amount"], deposit["tx"], deposit["address"]) == ("0.50000000", tx, address)
    assert deposit["credited_at"] is not None
    assert (await alice.client.get(f"/v1/deposits/{deposit['id']}")).body == deposit
    assert (await api_node.operator.get(f"/v1/deposits/{deposit['id']}")).body == deposit


async def test_a_deposit_that_a_reorg_takes_away_says_so_and_comes_back(api_node: ApiNode) -> None:
    alice, network = await api_node.person(), api_node.world.networks[BITCOIN]
    address = (await alice.client.post("/v1/addresses", {"network": "bitcoin"})).body["address"]
    network.pay_in(address, parse_amount("0.1", BTC))
    network.mine()
    await api_node.world.look(BITCOIN)
    network.reorg(1)
    await api_node.world.look(BITCOIN)
    orphaned = await only_deposit(alice.client)
    assert (orphaned["status"], orphaned["confirmations"]) == ("orphaned", None)
    network.mine(2)
    await api_node.world.look(BITCOIN)
    assert (await only_deposit(alice.client))["status"] == "credited"


async def test_networks_and_assets_tell_what_can_be_used(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="1.00")
    networks = {item["id"]: item for item in (await alice.client.get("/v1/networks")).body["items"]}
    assert set(networks) == {"bitcoin", "ethereum", "sepa"}
    assert networks["sepa"]["answering"] is True
    assert networks["sepa"]["final"] == (await api_node.world.networks[SEPA].tip()).height
    assets = {item["asset"]: item for item in (await alice.client.get("/v1/assets")).body["items"]}
    assert assets["DUSD"] == {"asset": "DUSD", "decimals": 6, "networks": ["ethereum"], "paused": False}


async def only_deposit(client: Client) -> dict[str, Any]:
    (found,) = (await client.get("/v1/deposits")).body["items"]
    return dict(found)


async def test_a_kind_of_address_may_be_asked_for_and_an_unknown_one_is_a_problem(api_node: ApiNode) -> None:
    alice, network = await api_node.person(), api_node.world.networks[BITCOIN]
    kinds = {"p2wpkh": Branch.DEPOSIT, "p2tr": Branch.DEPOSIT_TAPROOT}
    network.capabilities = replace(network.capabilities, address_kinds=kinds)
    made = await alice.client.post("/v1/addresses", {"network": "bitcoin", "kind": "p2tr"})
    again = await alice.client.post("/v1/addresses", {"network": "bitcoin", "kind": "p2tr"})
    assert (made.status, again.status, made.body["kind"]) == (201, 200, "p2tr")
    assert again.body == made.body
    unknown = await alice.client.post("/v1/addresses", {"network": "bitcoin", "kind": "p2sh"})
    assert (unknown.status, unknown.body["code"]) == (422, "address_kind_unknown")
