"""One unit is stolen on a real chain, with the key of the node's own address."""

import json
import time

import pytest

from node.commands.breaks import print_break, print_breaks, resolve
from node.workers.reconcile_assets import reconcile_assets
from tests.integration.api.client import serving
from tests.integration.chains.evm.chain import calldata
from tests.scenario.house import ETHEREUM, House
from tests.scenario.paid_in import destination, figures, funded, pay_in, received, units
from wallet import schema
from wallet.access.keys import OPERATOR_SCOPES, create_key, create_operator
from wallet.errors import AssetPaused

WITHIN_S = 60


async def steal_dev_dollar(house: House) -> None:
    """Whoever has the key signs a transfer of one unit; the gas it cost is put back, and the nonce, so that one unit is all."""
    anvil, hot = house.devnet.anvil, await house.hot(ETHEREUM)
    ether, nonce = (
        await anvil.rpc("eth_getBalance", hot, "latest"),
        await anvil.rpc("eth_getTransactionCount", hot, "latest"),
    )
    await anvil.rpc("anvil_impersonateAccount", hot)
    call = calldata("transfer(address,uint256)", (await anvil.accounts())[5], 1)
    receipt = await anvil.receipt(
        await anvil.rpc("eth_sendTransaction", {"from": hot, "to": house.devnet.dev_dollar, "data": call})
    )
    assert receipt["status"] == "0x1"
    await anvil.rpc("anvil_stopImpersonatingAccount", hot)
    await anvil.rpc("anvil_setBalance", hot, ether)
    await anvil.rpc("anvil_setNonce", hot, nonce)


async def paused(house: House) -> list[str]:
    return [row["id"] for row in await house.rows(schema.assets) if row["paused"]]


async def test_ops_05_one_unit_stolen_on_a_real_chain_stops_that_asset_until_a_person_resolves_it(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = await funded(house, "DUSD", "10")
    await pay_in(house, alice, "EUR", "5")
    for network in house.context.networks.values():
        await reconcile_assets(house.context, network)
    assert await paused(house) == []

    await steal_dev_dollar(house)
    await house.turn()
    began = time.monotonic()
    for network in house.context.networks.values():
        await reconcile_assets(house.context, network)
    assert time.monotonic() - began < WITHIN_S

    assert await paused(house) == ["DUSD"]
    to = await destination(house, "DUSD")
    with pytest.raises(AssetPaused, match="coffer break resolve"):
        await house.withdraw(alice, ETHEREUM, "DUSD", "1", to)
    ether = await destination(house, "ETH")
    await pay_in(house, alice, "ETH", "2")

    async def has_ether() -> bool:
        return await figures(house, alice, "ETH") == (units(house, "ETH", "2"), 0)

    await house.until(has_ether)
    await house.withdraw(alice, ETHEREUM, "ETH", "0.5", ether)

    async def is_paid() -> bool:
        return await received(house, "ETH", ether) == units(house, "ETH", "0.5")

    await house.until(is_paid)

    await listed_over_http(house)
    capsys.readouterr()
    await print_breaks(house.context, as_json=True)
    (item,) = json.loads(capsys.readouterr().out)["items"]
    await print_break(house.context, item["id"], as_json=True, say=print)
    shown = json.loads(capsys.readouterr().out)
    (place,) = shown["locations"]
    assert (place["address"], place["difference"]) == (await house.hot(ETHEREUM), "-0.000001")
    await resolve(house.context, item["id"], "the key is replaced", book_loss=True, claims_hold=False)

    assert await paused(house) == []
    await house.withdraw(alice, ETHEREUM, "DUSD", "1", to)

    async def dollar_is_paid() -> bool:
        return await received(house, "DUSD", to) == units(house, "DUSD", "1")

    await house.until(dollar_is_paid)
    await house.settled()
    await house.prove()


async def listed_over_http(house: House) -> None:
    operator = str((await create_operator(house.context, "test", "watcher")).result["id"])
    _, secret = await create_key(house.context, "test", operator, frozenset(OPERATOR_SCOPES), "test")
    async with serving(house.context) as client:
        answer = await client.as_(secret).get("/v1/operator/breaks")
    (item,) = answer.body["items"]
    assert (item["asset"], item["missing"], item["status"]) == ("DUSD", "0.000001", "open")
