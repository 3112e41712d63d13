"""Many withdrawals in one submission: each customer sees their own, and one that cannot be paid is left out alone."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.fakes.network import FakeNetwork
from tests.fakes.world import BITCOIN, BTC, World
from tests.integration.wallet.withdrawals.test_poison import ask, pay
from wallet import schema
from wallet.context import ACTOR_NODE
from wallet.customers.sub_accounts import Wanted, create_sub_accounts
from wallet.explain.subjects import find_subject
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.journal.events import Place, events_after
from wallet.ledger.balances import balances
from wallet.money import parse_amount
from wallet.movements.chunks import accounts_of
from wallet.movements.pages import PageWanted, read_page
from wallet.ports import (
    Fee,
    FileSource,
    FundsShort,
    Ground,
    Instruction,
    NonceSource,
    NotTogether,
    SignerRefused,
    SignRequest,
    Unsigned,
    UtxoSource,
)
from wallet.withdrawals.cancel import cancel_withdrawal
from wallet.withdrawals.states import State

_build = FakeNetwork.build
Source = NonceSource | UtxoSource | FileSource


@pytest.fixture
def chain(world: World) -> FakeNetwork:
    """Bitcoin, on which up to ten payments share a tx."""
    network = world.networks[BITCOIN]
    network.capabilities = replace(network.capabilities, batch_max=10)
    return network


async def rows(world: World, table: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in await world.context.all(select(table).order_by(table.c.id))]


async def states(world: World) -> list[str]:
    return [row["state"] for row in await rows(world, schema.withdrawals)]


async def funded(world: World, *handles: str) -> list[CustomerId]:
    customers = [await world.customer(handle) for handle in handles]
    for customer in customers:
        await world.fund(customer, "BTC", "1")
    return customers


async def finish(world: World, chain: FakeNetwork) -> None:
    await pay(world, chain)
    chain.mine(chain.depth)
    await pay(world, chain)


async def told(world: World, viewer: str, page: int = 100) -> list[tuple[str, dict[str, Any]]]:
    """All events about withdrawals that this viewer is shown, followed by cursor."""
    found: list[tuple[str, dict[str, Any]]] = []
    place: Place = (0, 0)
    while events := await events_after(world.context, viewer, place, page):
        assert len(events) <= page
        place = events[-1][0]
        found += [(event["type"], event["data"]) for _, event in events]
    return [(kind, data) for kind, data in found if kind.startswith("withdrawal.")]


async def test_many_withdrawals_go_in_one_tx_and_end_in_one_change(world: World, chain: FakeNetwork) -> None:
    alice, bob = await funded(world, "alice", "bob")
    await ask(world, alice, parse_amount("0.1", BTC), "hers", times=2)
    await ask(world, bob, parse_amount("0.2", BTC), "his")
    await pay(world, chain)
    (tx,) = chain.pool.values()
    assert [(target, amount.units) for target, amount in tx.pays] == [
        ("hers", 10**7),
        ("hers", 10**7),
        ("his", 2 * 10**7),
    ]
    (submission,) = await rows(world, schema.submissions)
    assert (submission["units"], submission["target"]) == (4 * 10**7, None)
    await finish(world, chain)
    assert await states(world) == ["final"] * 3
    finals = await world.context.all(select(schema.journal.c.seq).where(schema.journal.c.kind == "withdrawal.final"))
    assert len(finals) == 1
    story = (await find_subject(world.context, submission["id"])).story
    assert story[-1] == "It cost 0.00001000 BTC: 0.00000334 for each of 3 payouts."


async def test_each_customer_is_told_of_their_own_part_alone_and_a_platform_of_all_its_own(
    world: World, chain: FakeNetwork
) -> None:
    alice, platform = await funded(world, "alice", "platform")
    (sub,) = await create_sub_accounts(world.context, ACTOR_NODE, platform, [Wanted("order-1")])
    theirs = CustomerId(sub.customer["id"])
    await world.fund(theirs, "BTC", "1")
    await ask(world, alice, parse_amount("0.1", BTC), "alices")
    await ask(world, theirs, parse_amount("0.2", BTC), "of-the-sub", times=2)
    await ask(world, platform, parse_amount("0.3", BTC), "of-the-platform")
    await finish(world, chain)
    for page in (100, 1):
        seen = {viewer: await told(world, viewer, page) for viewer in (alice, theirs, platform)}
        assert {data["destination"] for _, data in seen[alice]} == {"alices"}
        assert {data["destination"] for _, data in seen[theirs]} == {"of-the-sub"}
        assert {data["destination"] for _, data in seen[platform]} == {"of-the-sub", "of-the-platform"}
        assert [kind for kind, _ in seen[alice]] == [
            "withdrawal.requested",
            "withdrawal.signed",
            "withdrawal.submitted",
            "withdrawal.final",
        ]
        assert len(seen[theirs]) == 8
        assert len(seen[platform]) == 12


async def test_history_names_the_withdrawal_that_each_movement_of_a_batch_belongs_to(
    world: World, chain: FakeNetwork
) -> None:
    (alice,) = await funded(world, "alice")
    await ask(world, alice, parse_amount("0.1", BTC), "one-place", times=2)
    await finish(world, chain)
    wanted = PageWanted(await accounts_of(world.context, alice), kind="withdrawal.final")
    page = await read_page(world.context, wanted, None, 100, ascending=True)
    by_hold = {
        name: row["id"] for row in await rows(world, schema.withdrawals) for name in (row["hold"], row["fee_hold"])
    }
    assert len(page.items) == 4
    assert all(movement.object == by_hold[movement.hold] for movement in page.items if movement.hold)


async def test_a_dead_batch_gives_everybody_their_own_money_back(world: World, chain: FakeNetwork) -> None:
    alice, bob = await funded(world, "alice", "bob")
    await ask(world, alice, parse_amount("0.1", BTC), "hers")
    await ask(world, bob, parse_amount("0.2", BTC), "his")
    await pay(world, chain)
    (tx,) = chain.pool.values()
    chain.pool = {"another": replace(tx, id="another", pays=(("elsewhere", tx.pays[0][1]),))}
    chain.mine(chain.depth)
    await pay(world, chain)
    assert await states(world) == ["failed"] * 2
    for owner in (alice, bob):
        (balance,) = [b for b in await balances(world.context, owner) if b["asset"] == "BTC"]
        assert (balance["available"], balance["held"]) == ("1.00000000", "0.00000000")
    assert [data["destination"] for kind, data in await told(world, alice) if kind == "withdrawal.failed"] == ["hers"]


async def _bad_to_build(
    network: FakeNetwork, instructions: Sequence[Instruction], source: Source, fee: Fee
) -> Unsigned:
    if any(one.destination.address == "bad" for one in instructions):
        raise ValueError("dust")
    return await _build(network, instructions, source, fee)


async def test_one_that_cannot_be_built_is_rejected_alone_and_the_others_go_together(
    world: World, chain: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await funded(world, "alice", "bob")
    await ask(world, alice, parse_amount("0.1", BTC), "hers", times=3)
    await ask(world, bob, parse_amount("0.1", BTC), "bad")
    await ask(world, bob, parse_amount("0.1", BTC), "his")
    monkeypatch.setattr(FakeNetwork, "build", _bad_to_build)
    await pay(world, chain)
    assert await states(world) == ["submitted", "submitted", "submitted", "rejected", "submitted"]
    assert len(chain.pool) == 1


async def _alone_where_named(
    network: FakeNetwork, instructions: Sequence[Instruction], source: Source, fee: Fee
) -> Unsigned:
    alone = tuple(one.reference for one in instructions if one.destination.address == "contract")
    if len(instructions) > 1 and alone:
        raise NotTogether("a contract is paid alone", alone)
    return await _build(network, instructions, source, fee)


async def test_what_needs_a_submission_of_its_own_gets_one(
    world: World, chain: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alice,) = await funded(world, "alice")
    for _ in range(2):
        await world.fund(alice, "BTC", "1")
    await ask(world, alice, parse_amount("0.1", BTC), "first", times=2)
    await ask(world, alice, parse_amount("0.1", BTC), "contract")
    monkeypatch.setattr(FakeNetwork, "build", _alone_where_named)
    await pay(world, chain)
    assert [[target for target, _ in tx.pays] for tx in chain.pool.values()] == [["contract"]]
    await finish(world, chain)
    assert await states(world) == ["submitted", "submitted", "final"]  # the fake spends all coins at once


async def test_what_is_too_large_for_the_signer_is_rejected_alone_and_too_many_go_in_parts(
    world: World, chain: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the signer judges it: a submission pays at most so much in all."""
    alice, bob = await funded(world, "alice", "bob")
    for units in ("0.1", "0.5", "0.1", "0.1"):
        await ask(world, alice, parse_amount(units, BTC), f"of-{units[2:]}-{len(await states(world))}")
    refused: list[int] = []

    async def at_most_a_quarter(_signer: object, request: SignRequest) -> None:
        paid = sum(int(units) for _, _, units in json.loads(request.payload)["pays"])
        if paid > 25 * 10**6:
            refused.append(paid)
            raise SignerRefused("above the limit for one submission", Ground.POLICY)

    monkeypatch.setattr(type(world.signer), "check", at_most_a_quarter)
    await pay(world, chain)
    assert refused == [8 * 10**7, 5 * 10**7, 3 * 10**7]
    assert await states(world) == ["submitted", "rejected", "submitted", "requested"]
    assert bob not in {row["owner"] for row in await rows(world, schema.withdrawals)}


async def test_one_cancelled_while_a_batch_is_begun_is_left_out_and_the_others_go(
    world: World, chain: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await funded(world, "alice", "bob")
    await ask(world, alice, parse_amount("0.1", BTC), "hers")
    await ask(world, bob, parse_amount("0.1", BTC), "his")
    hers = (await rows(world, schema.withdrawals))[0]["id"]
    checked: list[tuple[str, ...]] = []

    async def cancelled_meanwhile(_signer: object, request: SignRequest) -> None:
        if not checked:
            await cancel_withdrawal(world.context, "test", alice, hers, Request(alice, "cancel", "k", b"k"))
        checked.append(request.references)

    monkeypatch.setattr(type(world.signer), "check", cancelled_meanwhile)
    await pay(world, chain)
    assert await states(world) == ["cancelled", "submitted"]
    assert [len(references) for references in checked][:2] == [2, 1]
    assert [target for tx in chain.pool.values() for target, _ in tx.pays] == ["his"]


async def whale_and_fish(world: World, chain: FakeNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whale asks for more than the hot coins, then others for a little; nothing here is spent by what is paid."""
    whale, fish = await funded(world, "whale", "fish")
    short = parse_amount("0.9", BTC)

    async def little_there(
        network: FakeNetwork, instructions: Sequence[Instruction], source: Source, fee: Fee
    ) -> Unsigned:
        if sum(one.amount.units for one in instructions) >= short.units and network.depth:
            raise FundsShort("the coins at hand do not cover it")
        return await _build(network, instructions, source, fee)

    monkeypatch.setattr(FakeNetwork, "build", little_there)
    await ask(world, whale, short, "whales")
    await ask(world, fish, parse_amount("0.1", BTC), "fishs")


async def test_wdr_14_smaller_ones_pass_a_withdrawal_that_waits_for_funds(
    world: World, chain: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await whale_and_fish(world, chain, monkeypatch)
    await pay(world, chain)
    assert await states(world) == ["requested", "submitted"]


async def test_wdr_14_nothing_passes_one_that_has_waited_long_enough(
    world: World, chain: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await whale_and_fish(world, chain, monkeypatch)
    monkeypatch.setattr("wallet.withdrawals.pay.PATIENCE", timedelta(0))
    await pay(world, chain)
    assert await states(world) == ["requested", "requested"]
    monkeypatch.setattr(FakeNetwork, "build", _build)  # funds have come
    await finish(world, chain)
    assert (await states(world))[0] == State.FINAL
