"""A payout that the receiving bank sends back: credited once, linked to its withdrawal, and in every doubt for a person."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from node.database import Dsns
from tests.fakes.world import EUR, SEPA, World
from tests.integration.wallet.changes import proven
from wallet import schema
from wallet.context import ACTOR_NODE
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.ledger.balances import balances
from wallet.money import parse_amount
from wallet.ports import Destination
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.request import request_withdrawal


async def ask(world: World, owner: CustomerId, amount: str = "5.00") -> str:
    request = Request(owner, "withdrawal.request", amount, b"test")
    target = Destination("payee-1", "Payee")
    made = await request_withdrawal(world.context, ACTOR_NODE, owner, SEPA, parse_amount(amount, EUR), target, request)
    return str(made.result["id"])


async def paid(world: World, owner: CustomerId, amount: str = "5.00") -> str:
    name, network = await ask(world, owner, amount), world.networks[SEPA]
    await pay_withdrawals(world.context, network)
    network.mine()
    await drive_submissions(world.context, network)
    assert (await row_of(world, name))["state"] == "final"
    return name


async def send_back(world: World, name: str, amount: str) -> None:
    network = world.networks[SEPA]
    network.send_back(parse_amount(amount, EUR), name)
    network.mine()
    await world.look(SEPA)


async def row_of(world: World, name: str) -> Mapping[str, Any]:
    row = await world.context.one(select(schema.withdrawals).where(schema.withdrawals.c.id == name))
    assert row is not None
    return row


async def last_deposit(world: World) -> Mapping[str, Any]:
    rows = await world.context.all(select(schema.deposits).order_by(schema.deposits.c.id.desc()).limit(1))
    return rows[0]


async def posted(world: World, owner: CustomerId) -> str:
    return next(str(one["posted"]) for one in await balances(world.context, owner) if one["asset"] == "EUR")


@pytest.fixture
async def alice(world: World) -> CustomerId:
    owner = await world.customer("alice")
    await world.fund(owner, "EUR", "20.00")
    return owner


async def test_what_comes_back_is_credited_and_ends_its_withdrawal(world: World, dsns: Dsns, alice: CustomerId) -> None:
    name = await paid(world, alice)
    await send_back(world, name, "5.00")
    deposit, row = await last_deposit(world), await row_of(world, name)
    assert (deposit["state"], deposit["owner"], deposit["returns"]) == ("credited", alice, name)
    assert (row["state"], row["reason"], row["returned_by"]) == ("returned", "returned_by_bank", deposit["id"])
    assert await posted(world, alice) == "20.00"
    kinds = await world.context.all(select(schema.journal.c.kind).order_by(schema.journal.c.seq.desc()).limit(1))
    assert kinds == [{"kind": "withdrawal.returned"}]
    await proven(dsns.owner)


async def test_less_may_come_back_and_nothing_comes_back_twice(world: World, dsns: Dsns, alice: CustomerId) -> None:
    name = await paid(world, alice)
    await send_back(world, name, "4.50")
    assert await posted(world, alice) == "19.50"
    await send_back(world, name, "0.50")
    assert (await last_deposit(world))["reason"] == "returned_payout"
    assert await posted(world, alice) == "19.50"
    await proven(dsns.owner)


async def test_two_returns_of_one_payout_at_once_are_credited_once(world: World, dsns: Dsns, alice: CustomerId) -> None:
    name = await paid(world, alice)
    world.networks[SEPA].send_back(parse_amount("5.00", EUR), name)
    await send_back(world, name, "5.00")
    await world.look(SEPA)
    table = schema.deposits
    both = await world.context.all(select(table.c.state, table.c.reason).where(table.c.returns == name))
    assert sorted((one["state"], one["reason"]) for one in both) == [
        ("credited", None),
        ("quarantined", "returned_payout"),
    ]
    assert await posted(world, alice) == "20.00"
    await proven(dsns.owner)


async def test_what_comes_back_before_its_payment_is_in_the_books_waits_for_it(
    world: World, dsns: Dsns, alice: CustomerId
) -> None:
    name, network = await ask(world, alice), world.networks[SEPA]
    await pay_withdrawals(world.context, network)
    network.mine()
    await send_back(world, name, "5.00")
    assert ((await row_of(world, name))["state"], (await last_deposit(world))["state"]) == ("submitted", "confirming")
    await drive_submissions(world.context, network)
    await world.look(SEPA)
    assert ((await row_of(world, name))["state"], await posted(world, alice)) == ("returned", "20.00")
    await proven(dsns.owner)


async def test_what_does_not_fit_a_payout_waits_for_a_person(world: World, alice: CustomerId) -> None:
    name = await paid(world, alice)
    for returns, amount in ((name, "5.01"), ("wdr_00000000000000000000000000", "5.00"), ("sub_1", "1.00")):
        await send_back(world, returns, amount)
        deposit = await last_deposit(world)
        assert (deposit["state"], deposit["reason"], deposit["owner"]) == ("quarantined", "returned_payout", None)
    assert ((await row_of(world, name))["state"], await posted(world, alice)) == ("final", "15.00")
