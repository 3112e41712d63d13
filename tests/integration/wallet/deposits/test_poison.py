"""A deposit that cannot go on stops no other."""

import pytest
from sqlalchemy import select

from tests.fakes.world import DUSD, ETH, ETHEREUM, EUR, SEPA, World
from wallet import schema
from wallet.addresses.assign import assign_address
from wallet.assets.pause import pause_asset
from wallet.context import ACTOR_NODE
from wallet.customers.erase import erase_customer
from wallet.ids import CustomerId, NetworkId
from wallet.money import parse_amount
from wallet.ports import Party


async def address_of(world: World, owner: CustomerId, network: NetworkId) -> str:
    return str((await assign_address(world.context, ACTOR_NODE, owner, network))["address"])


async def states(world: World, network: NetworkId) -> list[tuple[str, str]]:
    table = schema.deposits
    rows = await world.context.all(select(table).where(table.c.network == network).order_by(table.c.id))
    return [(row["asset"], row["state"]) for row in rows]


async def test_a_bank_payment_to_an_erased_customer_stops_nobody_elses(world: World) -> None:
    gone, stays = await world.customer("gone", "Gone Person"), await world.customer("stays")
    old, other = await address_of(world, gone, SEPA), await address_of(world, stays, SEPA)
    await erase_customer(world.context, ACTOR_NODE, gone)
    bank = world.networks[SEPA]
    bank.pay_in(old, parse_amount("0.01", EUR), party=Party("A Payer", None), text="still yours?")
    bank.pay_in(other, parse_amount("5.00", EUR), party=Party("A Payer", None))
    bank.mine()
    await world.look(SEPA)
    assert await states(world, SEPA) == [("EUR", "credited"), ("EUR", "credited")]


async def test_deposits_of_a_paused_asset_do_not_crowd_out_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.deposits.confirm.PAGE_ROWS", 3)
    address = await address_of(world, await world.customer("anna"), ETHEREUM)
    chain = world.networks[ETHEREUM]
    await pause_asset(world.context, ACTOR_NODE, "DUSD", "a test")
    for _ in range(4):
        chain.pay_in(address, parse_amount("0.000001", DUSD))
    chain.mine()
    chain.pay_in(address, parse_amount("1", ETH))
    chain.mine(3)
    for _ in range(4):
        await world.look(ETHEREUM)
    assert await states(world, ETHEREUM) == [("DUSD", "confirming")] * 4 + [("ETH", "credited")]
