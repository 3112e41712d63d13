"""One submission that paid some of its withdrawals and not others: each ends in its own state, and the books are exact."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from node.database import Dsns
from node.workers.pay_withdrawals import pay_and_follow
from tests.fakes.network import Tx
from tests.fakes.world import DUSD, ETHEREUM, World, running_world
from tests.scenario.owing import available, exact, parse_text
from tests.scenario.test_reorgs_of_payments import opened, step
from wallet import schema
from wallet.errors import AssetPaused
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.journal.events import events_after
from wallet.money import parse_amount
from wallet.networks.halt import resume_network
from wallet.ports import Destination
from wallet.withdrawals.request import request_withdrawal

ENDS = ("final", "failed")
PAYEES = {"first": "1.1", "second": "1.2", "third": "1.3"}


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        network = running.networks[ETHEREUM]
        network.capabilities = replace(network.capabilities, batch_max=10)
        yield running


async def rows(world: World, table: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in await world.context.all(select(table).order_by(table.c.id))]


async def states(world: World) -> list[str]:
    return [row["state"] for row in await rows(world, schema.withdrawals)]


async def sent(world: World, *unpaid: int) -> tuple[CustomerId, Tx]:
    """Of Alice's 5, three withdrawals wait in one tx, of which the network will not pay these."""
    owner = await opened(world, ETHEREUM, DUSD)
    for target, amount in PAYEES.items():
        request = Request(owner, "withdrawal.request", target, target.encode())
        units = parse_amount(amount, DUSD)
        await request_withdrawal(world.context, "test", owner, ETHEREUM, units, Destination(target), request)
    await step(world, ETHEREUM)
    assert await states(world) == ["submitted"] * 3
    chain = world.networks[ETHEREUM]
    (tx,) = chain.pool.values()
    chain.pool[tx.id] = replace(tx, unpaid=unpaid)
    return owner, tx


async def partly_paid(world: World) -> tuple[CustomerId, Tx]:
    owner, tx = await sent(world, 1)
    await step(world, ETHEREUM, 4)
    assert await states(world) == ["final", "failed", "final"]
    return owner, tx


async def test_wdr_09_what_was_paid_is_final_and_what_was_not_has_its_money_back_once(world: World) -> None:
    owner, _ = await partly_paid(world)
    assert [row["reason"] for row in await rows(world, schema.withdrawals)] == [None, "reverted", None]
    assert await available(world, owner, DUSD) == parse_text("2.6", DUSD)
    (submission,) = await rows(world, schema.submissions)
    assert (submission["state"], submission["units"]) == ("final", parse_amount("2.4", DUSD).units)
    await step(world, ETHEREUM, 3)
    assert await available(world, owner, DUSD) == parse_text("2.6", DUSD)
    told = [event for _, event in await events_after(world.context, owner, (0, 0), 100)]
    ended = [(event["type"], event["data"]["destination"]) for event in told if event["data"].get("status") in ENDS]
    assert ended == [
        ("withdrawal.final", "first"),
        ("withdrawal.failed", "second"),
        ("withdrawal.final", "third"),
    ]


async def test_dpe_07_a_reorg_that_takes_such_a_payment_back_makes_it_again_and_pays_nobody_else(world: World) -> None:
    owner, _ = await partly_paid(world)
    world.networks[ETHEREUM].reorg(4)
    await world.look(ETHEREUM)
    assert await states(world) == ["final", "failed", "final"]
    assert await exact(world)
    await resume_network(world.context, "test", ETHEREUM, "looked")
    await step(world, ETHEREUM, 4)
    (submission,) = await rows(world, schema.submissions)
    assert submission["state"] == "final"
    assert await states(world) == ["final", "failed", "final"]
    assert await available(world, owner, DUSD) == parse_text("2.6", DUSD)


async def test_dpe_07_what_can_never_be_made_again_is_undone_only_where_it_was_paid(world: World) -> None:
    owner, _ = await partly_paid(world)
    (submission,) = await rows(world, schema.submissions)
    chain = world.networks[ETHEREUM]
    chain.reorg(4, forget=True)
    await world.look(ETHEREUM)
    chain.pool["other"] = Tx("other", (), tuple(submission["consumes"]))
    await step(world, ETHEREUM, 3)
    await resume_network(world.context, "test", ETHEREUM, "looked")
    await step(world, ETHEREUM)
    assert await states(world) == ["failed"] * 3
    assert await available(world, owner, DUSD) == parse_text("5", DUSD)


async def test_dpe_07_a_new_branch_that_pays_others_of_them_stops_the_asset(world: World) -> None:
    """Whoever had the money back is paid now: no machine decides who bears that."""
    _, tx = await partly_paid(world)
    chain = world.networks[ETHEREUM]
    chain.reorg(4)
    chain.pool[tx.id] = replace(tx, unpaid=(0,))
    await world.look(ETHEREUM)
    await resume_network(world.context, "test", ETHEREUM, "looked")
    for _ in range(4):
        chain.mine()
        await world.look(ETHEREUM)
        await pay_and_follow(world.context, chain)
    with pytest.raises(AssetPaused, match="paid others"):
        await world.context.unpaused(DUSD)
    assert await states(world) == ["final", "failed", "final"]
