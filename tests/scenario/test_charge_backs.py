"""Deposits that their network takes away after they were credited: their owner bears it, once, as far as they can; the rest is
owed by name. Where nothing was taken nothing is charged back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.database import Dsns
from tests.fakes.world import DUSD, EUR, SEPA, World, running_world
from tests.scenario.owing import available, credited, exact, owed, parse_text
from wallet import schema
from wallet.customers.freeze import freeze_customer
from wallet.deposits.charge_back import charge_back_deposit
from wallet.errors import NotAllowed, NotFound, Stale
from wallet.money import parse_amount

WHY = "the bank took it back"


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        yield running


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

    assert done["why"] == WHY
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
    assert await available(world, owner, DUSD) == parse_text("5", DUSD)


async def test_only_a_credited_deposit_of_a_customer_is_charged_back_and_with_a_reason(world: World) -> None:
    _, row = await credited(world, EUR)
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
    assert sum(isinstance(each, dict) for each in told) == 1
    assert all(isinstance(each, dict | Stale | NotAllowed) for each in told)
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
    assert sum(isinstance(one, dict) for one in told) == 1
    assert all(isinstance(one, dict | Stale | NotAllowed) for one in told)
    assert await available(world, owner, EUR) == "35.00"
    assert await exact(world)
