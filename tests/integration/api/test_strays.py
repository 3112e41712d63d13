"""Money sent wrongly: it stands in its owner's own list, with the reason and the way out, and floods drown nothing."""

from typing import Any

from sqlalchemy import func, select

from tests.fakes.world import BITCOIN, ETH, ETHEREUM
from tests.integration.api.client import Client
from tests.integration.api.conftest import ApiNode
from wallet import schema
from wallet.deposits.detect import record_block
from wallet.money import parse_amount
from wallet.strays.record import DAILY_MAX, find_strays

TOKEN = "0x" + "ab" * 20


async def items(client: Client) -> list[dict[str, Any]]:
    return list((await client.get("/v1/deposits")).body["items"])


async def address_on(client: Client, network: str) -> str:
    return str((await client.post("/v1/addresses", {"network": network})).body["address"])


async def journal_rows(node: ApiNode) -> int:
    row = await node.world.context.one(select(func.count().label("n")).select_from(schema.journal))
    assert row is not None
    return int(row["n"])


async def test_dpe_16_a_token_that_nobody_listed_stands_in_the_list_by_its_contract(api_node: ApiNode) -> None:
    alice, network = await api_node.person(), api_node.world.networks[ETHEREUM]
    tx = network.stray(await address_on(alice.client, "ethereum"), TOKEN, 25_000_000, "DUSD")
    network.mine()
    await api_node.world.look(ETHEREUM)
    (stray,) = await items(alice.client)
    assert (stray["status"], stray["reason"], stray["tx"]) == ("unlisted", "unlisted_token", tx)
    assert (stray["asset"], stray["amount"], stray["credited_at"]) == (None, None, None)
    assert stray["claim"] == {"contract": TOKEN, "units": "25000000", "symbol": "DUSD", "decimals": 18}
    assert "send it back" in stray["way_out"]
    assert (await alice.client.get(f"/v1/deposits/{stray['id']}")).body == stray
    bob = await api_node.person()
    assert (await bob.client.get(f"/v1/deposits/{stray['id']}")).status == 404
    network.mine(5)
    await api_node.world.look(ETHEREUM)
    assert all(item["available"] == "0.000000" for item in await balances_of(alice.client, "DUSD"))


async def balances_of(client: Client, asset: str) -> list[dict[str, Any]]:
    return [item for item in (await client.get("/v1/balances")).body["items"] if item["asset"] == asset]


async def test_a_name_that_only_looks_like_another_is_not_repeated(api_node: ApiNode) -> None:
    alice, network = await api_node.person(), api_node.world.networks[ETHEREUM]
    network.stray(await address_on(alice.client, "ethereum"), TOKEN, 5, "U\u0405D\u0422")
    network.mine()
    await api_node.world.look(ETHEREUM)
    (stray,) = await items(alice.client)
    assert stray["claim"]["symbol"] is None


async def test_value_on_another_network_belongs_to_whose_address_it_is(api_node: ApiNode) -> None:
    alice, network = await api_node.person(), api_node.world.networks[ETHEREUM]
    network.pay_in(await address_on(alice.client, "bitcoin"), parse_amount("2", ETH))
    network.mine()
    for _ in range(3):
        await api_node.world.look(ETHEREUM)
        (deposit,) = await items(alice.client)
        shown = (deposit["status"], deposit["reason"], deposit["network"], deposit["asset"], deposit["amount"])
        assert shown == ("quarantined", "wrong_network", "ethereum", "ETH", "2.000000000000000000")
        network.mine(2)
    assert "another network" in deposit["way_out"]
    waiting = (await api_node.operator.get("/v1/operator/waiting")).body["items"]
    assert (waiting[0]["id"], waiting[0]["customer"]) == (deposit["id"], alice.id)


async def test_a_reorg_takes_a_stray_away_and_brings_it_back_under_the_same_name(api_node: ApiNode) -> None:
    alice, network = await api_node.person(), api_node.world.networks[ETHEREUM]
    network.stray(await address_on(alice.client, "ethereum"), TOKEN, 5)
    network.mine()
    await api_node.world.look(ETHEREUM)
    (first,) = await items(alice.client)
    network.reorg(1)
    await api_node.world.look(ETHEREUM)
    (gone,) = await items(alice.client)
    assert (gone["id"], gone["status"], gone["confirmations"]) == (first["id"], "orphaned", None)
    network.mine()
    await api_node.world.look(ETHEREUM)
    (back,) = await items(alice.client)
    assert (back["id"], back["status"]) == (first["id"], "unlisted")
    kinds = [event["type"] for event in (await alice.client.get("/v1/events")).body["items"]]
    assert [kind for kind in kinds if kind.startswith("stray.")] == ["stray.seen", "stray.orphaned", "stray.seen"]


async def test_dpe_13_a_flood_of_tokens_is_counted_and_hides_nothing(api_node: ApiNode) -> None:
    alice, world = await api_node.person(), api_node.world
    network, place = world.networks[ETHEREUM], await address_on(alice.client, "ethereum")
    before = await journal_rows(api_node)
    for number in range(300):
        network.stray(place, f"0x{number:040x}", 10**30, "FREE")
    network.mine()
    height = (await network.tip()).height
    await world.look(ETHEREUM)
    page = (await alice.client.get("/v1/deposits?limit=200")).body
    assert (len(page["items"]), page["beyond"]) == (DAILY_MAX, 300 - DAILY_MAX)
    assert await journal_rows(api_node) - before == DAILY_MAX
    async for block in network.blocks(height, height):
        await record_block(world.context, network, block)  # as after a crash before the cursor moved
    assert (await alice.client.get("/v1/deposits")).body["beyond"] == 300 - DAILY_MAX
    assert not await world.context.all(select(schema.submissions))
    network.stray(place, TOKEN, 1_000, "REAL")
    network.mine()
    await world.look(ETHEREUM)
    assert await find_strays(world.context, network, height + 1) == 1
    assert (await items(alice.client))[0]["claim"]["symbol"] == "REAL"


async def test_deposits_and_strays_are_one_list_in_order_of_time(api_node: ApiNode) -> None:
    alice, network = await api_node.person(BTC="0.5"), api_node.world.networks[ETHEREUM]
    network.stray(await address_on(alice.client, "ethereum"), TOKEN, 5)
    network.mine()
    await api_node.world.look(ETHEREUM)
    coins = api_node.world.networks[BITCOIN]
    coins.stray(await address_on(alice.client, "bitcoin"), TOKEN, 5)
    coins.mine()
    await api_node.world.look(BITCOIN)
    whole = (await alice.client.get("/v1/deposits")).body["items"]
    seen, cursor = [], ""
    for _ in range(3):
        page = (await alice.client.get(f"/v1/deposits?limit=1{cursor}")).body
        seen += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole
    assert page["next_cursor"] is None
    assert [item["id"][:3] for item in whole] == ["str", "str", "dep"]
