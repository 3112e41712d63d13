"""Deposits that their network takes away after they were credited: their owner bears it, once, as far as they can; the rest is
owed by name. Where nothing was taken nothing is charged back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.database import Dsns
from tests.fakes.network import Tx
from tests.fakes.world import BITCOIN, BTC, DUSD, ETHEREUM, EUR, SEPA, World, running_world
from wallet import schema
from wallet.assets.pause import resume_asset
from wallet.breaks.locate import locate
from wallet.context import Record
from wallet.customers.freeze import freeze_customer
from wallet.deposits.charge_back import charge_back_deposit
from wallet.errors import NotAllowed, NotFound, Stale
from wallet.ids import CustomerId, NetworkId
from wallet.journal.change import Committed, Request
from wallet.ledger.balances import balances
from wallet.ledger.holdings import holdings
from wallet.ledger.reconcile import positions
from wallet.money import Amount, Asset, format_units, parse_amount
from wallet.payments.send import send_payment

WHY = "the bank took it back"


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        yield running


async def credited(world: World, asset: Asset) -> tuple[CustomerId, Record]:
    owner = await world.customer("alice")
    await world.fund(owner, asset.symbol, "5")
    return owner, await deposit(world)


async def deposit(world: World) -> Record:
    (row,) = await world.context.all(schema.deposits.select())
    return row


async def spent(world: World, payer: CustomerId, asset: Asset, text: str) -> None:
    payee = await world.customer("bob")
    request = Request(payer, "payment.send", f"spent-{asset.symbol}", b"test")
    await send_payment(world.context, "test", payer, payee, parse_amount(text, asset), None, request)


async def available(world: World, owner: CustomerId, asset: Asset) -> str:
    return next(row["available"] for row in await balances(world.context, owner) if row["asset"] == asset.symbol)


async def owed(world: World, owner: CustomerId, asset: Asset) -> int:
    table = schema.accounts
    row = await world.context.one(table.select().where(table.c.id == f"{owner}:receivable:{asset.symbol}"))
    return 0 if row is None else row["debits_posted"] - row["credits_posted"]


async def reorganised(world: World, network: NetworkId, *, forget: bool) -> None:
    world.networks[network].reorg(world.networks[network].depth, forget=forget)
    await world.look(network)


async def exact(world: World) -> bool:
    return all(position.difference == 0 for position in await positions(world.context))


@pytest.mark.parametrize(("network", "asset"), [(ETHEREUM, DUSD), (BITCOIN, BTC)], ids=["accounts", "coins"])
async def test_a_chain_that_forgets_what_was_final_is_borne_by_the_owner_and_the_rest_is_owed(
    world: World, network: NetworkId, asset: Asset
) -> None:
    owner, row = await credited(world, asset)
    await spent(world, owner, asset, "3")
    await reorganised(world, network, forget=True)
    assert not await exact(world)

    await charge_back_deposit(world.context, "test", row["id"], WHY)

    assert await available(world, owner, asset) == parse_text("0", asset)
    assert await owed(world, owner, asset) == parse_amount("3", asset).units
    after = await deposit(world)
    assert (after["state"], after["reason"], after["height"]) == ("charged_back", "taken_back", None)
    assert await exact(world)
    (holding,) = [each for each in await holdings(world.context, world.networks[network]) if each.asset == asset.symbol]
    assert await locate(world.context, world.networks[network], holding, lambda _done, _of: None) == []
    coins = await world.context.all(schema.utxos.select())
    assert [coin["state"] for coin in coins] == (["gone"] if network == BITCOIN else [])
    with pytest.raises(NotAllowed, match="charged_back"):
        await charge_back_deposit(world.context, "test", row["id"], WHY)


async def test_seen_again_it_is_credited_again_and_repays_what_is_owed_first(world: World) -> None:
    owner, row = await credited(world, DUSD)
    await spent(world, owner, DUSD, "3")
    await reorganised(world, ETHEREUM, forget=True)
    await charge_back_deposit(world.context, "test", row["id"], WHY)
    await resume_asset(world.context, "test", "DUSD", "charged back")
    (address,) = [a for a in await world.context.all(schema.addresses.select()) if a["owner"] == owner]
    network = world.networks[ETHEREUM]
    network.pool[row["tx"]] = Tx(row["tx"], ((address["address"], Amount(row["units"], DUSD)),))
    network.mine(network.depth)
    await world.look(ETHEREUM)
    assert (await deposit(world))["state"] == "credited"
    assert await owed(world, owner, DUSD) == 0
    assert await available(world, owner, DUSD) == parse_text("2", DUSD)
    assert await exact(world)


async def test_what_a_bank_takes_back_moves_from_the_house_to_the_owner_frozen_or_not(world: World) -> None:
    owner, row = await credited(world, EUR)
    network = world.networks[SEPA]
    with pytest.raises(NotAllowed, match="no statement has shown"):
        await charge_back_deposit(world.context, "test", row["id"], WHY)
    network.take(parse_amount("5", EUR))
    network.mine()
    await world.look(SEPA)
    assert await exact(world), "the house bears it"
    await freeze_customer(world.context, "test", owner, "asking the bank")

    done = await charge_back_deposit(world.context, "test", row["id"], WHY)

    assert done.result["why"] == WHY
    assert await available(world, owner, EUR) == "0.00"
    table = schema.accounts
    suspense = await world.context.one(table.select().where(table.c.id == "house:suspense:EUR"))
    assert suspense is not None
    assert suspense["credits_posted"] == suspense["debits_posted"] == 500
    assert await exact(world)
    with pytest.raises(NotAllowed):
        await charge_back_deposit(world.context, "test", row["id"], WHY)


async def test_what_the_chain_still_shows_is_not_charged_back(world: World) -> None:
    owner, row = await credited(world, DUSD)
    with pytest.raises(NotAllowed, match="still shows block"):
        await charge_back_deposit(world.context, "test", row["id"], WHY)
    await reorganised(world, ETHEREUM, forget=False)  # another block, and it waits for the next
    world.networks[ETHEREUM].mine()
    await world.look(ETHEREUM)
    with pytest.raises(NotAllowed, match="does not miss"):
        await charge_back_deposit(world.context, "test", row["id"], WHY)
    assert await available(world, owner, DUSD) == parse_text("5", DUSD)


async def test_only_a_credited_deposit_of_a_customer_is_charged_back_and_with_a_reason(world: World) -> None:
    _, row = await credited(world, DUSD)
    with pytest.raises(NotAllowed, match="reason"):
        await charge_back_deposit(world.context, "test", row["id"], " ")
    with pytest.raises(NotFound):
        await charge_back_deposit(world.context, "test", "dep_none", WHY)


async def test_two_who_charge_back_at_once_do_it_once(world: World) -> None:
    owner, row = await credited(world, EUR)
    world.networks[SEPA].take(parse_amount("5", EUR))
    world.networks[SEPA].take(parse_amount("5", EUR))  # the house bears twice as much: that is no guard here
    world.networks[SEPA].mine()
    await world.look(SEPA)
    both = [charge_back_deposit(world.context, "test", row["id"], WHY) for _ in range(8)]
    told = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(each, Committed) for each in told) == 1
    assert all(isinstance(each, Committed | Stale | NotAllowed) for each in told)
    assert await owed(world, owner, EUR) == 0


async def test_of_deposits_that_lean_on_one_outflow_one_is_charged_back(world: World) -> None:
    owner = await world.customer("alice")
    for _ in range(8):
        await world.fund(owner, "EUR", "5")
    world.networks[SEPA].take(parse_amount("5", EUR))
    world.networks[SEPA].mine()
    await world.look(SEPA)
    rows = await world.context.all(schema.deposits.select())
    assert len(rows) == 8
    each = [charge_back_deposit(world.context, "test", row["id"], WHY) for row in rows]
    told = await asyncio.gather(*each, return_exceptions=True)
    assert sum(isinstance(one, Committed) for one in told) == 1
    assert all(isinstance(one, Committed | Stale | NotAllowed) for one in told)
    assert await available(world, owner, EUR) == "35.00"
    assert await exact(world)


def parse_text(text: str, asset: Asset) -> str:
    return format_units(parse_amount(text, asset).units, asset.decimals)
