"""Of what nobody can say whether it paid, nothing is booked until a person has looked."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from node.database import Dsns
from tests.fakes.network import FakeNetwork
from tests.fakes.world import DUSD, ETHEREUM, World
from tests.integration.wallet.changes import proven
from wallet import schema
from wallet.assets.pause import resume_asset
from wallet.context import ACTOR_NODE
from wallet.errors import NotAllowed
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.ledger.balances import balances
from wallet.ledger.reconcile import positions
from wallet.money import parse_amount
from wallet.ports import Destination, Fate, Status, SubmissionRef
from wallet.treasury.doubt import decide_doubted
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.request import request_withdrawal
from wallet.withdrawals.waiting import waits_for


async def figures(world: World, owner: CustomerId) -> tuple[str, str]:
    found = next(one for one in await balances(world.context, owner) if one["asset"] == "DUSD")
    return str(found["posted"]), str(found["held"])


@pytest.mark.parametrize("paid", [True, False])
async def test_wdr_09_a_doubt_books_nothing_until_a_person_says_what_happened(
    world: World, dsns: Dsns, monkeypatch: pytest.MonkeyPatch, paid: bool
) -> None:
    owner, network, context = await world.customer("alice"), world.networks[ETHEREUM], world.context
    await world.fund(owner, "ETH", "1")
    await world.fund(owner, "DUSD", "20")
    house = await world.context.all(select(schema.addresses.c.address).where(schema.addresses.c.owner == "house"))
    assert house
    request = Request(owner, "withdrawal.request", "w", b"test")
    amount, target = parse_amount("5", DUSD), Destination("outside-1")
    made = await request_withdrawal(context, ACTOR_NODE, owner, ETHEREUM, amount, target, request)
    await pay_withdrawals(context, network)
    tx = next(iter(network.pool))
    network.pool[tx] = replace(network.pool[tx], reverted=not paid)
    network.mine(network.depth)
    told = FakeNetwork.status

    async def in_doubt(self: FakeNetwork, submission: SubmissionRef) -> Status:
        status = await told(self, submission)
        assert status.fate is Fate.FINAL
        return replace(status, succeeded=False, doubt="balance_disagrees")

    monkeypatch.setattr(FakeNetwork, "status", in_doubt)
    for _ in range(3):
        await drive_submissions(context, network)
    (submission,) = await context.all(select(schema.submissions))
    (row,) = await context.all(select(schema.withdrawals))
    assert (submission["state"], submission["reason"], row["state"]) == ("doubted", "balance_disagrees", "submitted")
    assert await figures(world, owner) == ("20.000000", "5.000000")
    assert await waits_for(context, [row]) == {row["id"]: "person"}
    (asset,) = await context.all(select(schema.assets).where(schema.assets.c.id == "DUSD"))
    assert asset["paused"], "nothing more of it is paid meanwhile"

    with pytest.raises(NotAllowed, match="reason"):
        await decide_doubted(context, "op", row["id"], " ", paid=paid)
    done = await decide_doubted(context, "op", str(made.result["id"]), "looked at the payee", paid=paid)
    assert done.result["verdict"] == ("paid" if paid else "unpaid")
    with pytest.raises(NotAllowed, match="nobody doubts"):
        await decide_doubted(context, "op", row["id"], "again", paid=not paid)
    await resume_asset(context, "op", "DUSD", "looked at")
    await drive_submissions(context, network)
    (row,) = await context.all(select(schema.withdrawals))
    assert row["state"] == ("final" if paid else "failed")
    assert await figures(world, owner) == ("15.000000" if paid else "20.000000", "0.000000")
    await world.look(ETHEREUM)
    assert all(not position.difference for position in await positions(context))
    await proven(dsns.owner)
