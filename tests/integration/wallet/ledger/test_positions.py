"""The books beside what the networks state: exact at every step of money, and no proof where the two views do not meet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.fakes.clock import StillClock
from tests.fakes.network import FakeNetwork
from tests.fakes.world import BITCOIN, BTC, ETH, ETHEREUM, EUR, SEPA, World
from wallet import schema
from wallet.addresses.assign import assign_address, assign_house_address
from wallet.context import Context
from wallet.deposits.cursor import read_cursor
from wallet.ids import CustomerId, NetworkId, random_id
from wallet.journal.change import Request
from wallet.ledger.holdings import holdings
from wallet.ledger.reconcile import ATTEMPTS_MAX, positions
from wallet.money import Amount, Asset, parse_amount
from wallet.ports import BlockRef, BlockVanished, Destination, NetworkUnreachable, Observation
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.request import request_withdrawal

NETWORKS = ((ETHEREUM, ETH), (BITCOIN, BTC), (SEPA, EUR))


async def assert_exact(world: World, network: NetworkId, step: str) -> None:
    """By both proofs: of everything, and of this network."""
    everything = {p.asset: p.difference for p in await positions(world.context)}
    assert everything == dict.fromkeys(world.context.assets, 0), f"{network} {step}"
    here = {each.asset: each.difference for each in await holdings(world.context, world.networks[network])}
    assert set(here.values()) == {0}, f"{network} {step}: {here}"


async def pay_in(world: World, owner: CustomerId, network: NetworkId, asset: Asset, text: str) -> None:
    address = await assign_address(world.context, "test", owner, network)
    world.networks[network].pay_in(str(address["address"]), parse_amount(text, asset))


async def withdraw(world: World, owner: CustomerId, network: NetworkId, asset: Asset, text: str) -> None:
    request, to = Request(owner, "withdrawal.request", random_id("key"), b"test"), Destination("somebody", "Some Body")
    await request_withdrawal(world.context, "test", owner, network, parse_amount(text, asset), to, request)


async def test_the_books_are_exact_at_every_step_of_a_deposit_and_a_withdrawal(world: World) -> None:
    """On every network at once, looked at before and after each thing that somebody does."""
    owner = await world.customer("alice")
    hot = await assign_house_address(world.context, ETHEREUM)
    world.networks[ETHEREUM].pay_in(str(hot["address"]), Amount(10**9, ETH))
    for network, asset in NETWORKS:
        await world.fund(owner, asset.symbol, "5")
        await withdraw(world, owner, network, asset, "1")
        await assert_exact(world, network, "has a request")
    for turn in range(3):
        for name, net in world.networks.items():
            await pay_in(world, owner, name, net.assets[0], "2")
            await pay_withdrawals(world.context, net)
            await assert_exact(world, name, f"{turn}: sent")
            net.mine()
            await drive_submissions(world.context, net)
            await assert_exact(world, name, f"{turn}: included")
            if turn == 1:
                await world.look(name)
                await assert_exact(world, name, f"{turn}: seen and not final")
            net.mine()
            await drive_submissions(world.context, net)
            await assert_exact(world, name, f"{turn}: settled, and the scan is not there")
            await world.look(name)
            await assert_exact(world, name, f"{turn}: looked at")
    assert {row["state"] for row in await world.context.all(schema.submissions.select())} == {"final"}
    assert len(await world.context.all(schema.submissions.select())) == len(NETWORKS)


def at_rest(world: World) -> Context:
    """Waiting takes no time."""
    return replace(world.context, clock=StillClock(datetime(2026, 11, 22, tzinfo=UTC)))


OBSERVE = FakeNetwork.observe


@pytest.mark.parametrize("blocks", [0, 1])
async def test_a_tip_that_runs_ahead_of_the_scan_for_ever_is_no_proof(
    world: World, monkeypatch: pytest.MonkeyPatch, blocks: int
) -> None:
    """A provider that knows no past states what is there at its tip, which moves on."""
    looked = 0

    async def present(net: FakeNetwork, addresses: Sequence[str], _at: BlockRef) -> Observation:
        nonlocal looked
        looked += 1
        net.mine(blocks)
        return await OBSERVE(net, addresses, await net.tip())

    await world.fund(await world.customer("alice"), "BTC", "5")
    net = world.networks[BITCOIN]
    context = replace(at_rest(world), networks={BITCOIN: net})
    monkeypatch.setattr(FakeNetwork, "observe", present)
    if blocks == 0:
        assert [each.difference for each in await holdings(context, net)] == [0]
        assert {p.asset: p.difference for p in await positions(context)}["BTC"] == 0
        assert looked == 2
        return
    for look in (holdings(context, net), positions(context)):
        with pytest.raises(NetworkUnreachable, match="the scan does not keep up with the tip"):
            await look
    assert looked == 2 * ATTEMPTS_MAX


async def test_a_branch_that_changes_while_it_is_looked_at_is_no_proof(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def turning(net: FakeNetwork, addresses: Sequence[str], at: BlockRef) -> Observation:
        seen = await OBSERVE(net, addresses, at)
        net.reorg(1)
        return seen

    await world.fund(await world.customer("alice"), "BTC", "5")
    monkeypatch.setattr(FakeNetwork, "observe", turning)
    with pytest.raises(BlockVanished, match="changed its branch at"):
        await holdings(at_rest(world), world.networks[BITCOIN])


async def test_before_the_first_scan_nothing_was_ours_and_the_block_below_says_so(world: World) -> None:
    net = world.networks[BITCOIN]
    assert await read_cursor(world.context, BITCOIN) is None
    found = await holdings(world.context, net)
    assert [(each.observed, each.booked, each.difference) for each in found] == [(0, 0, 0)]
    net._chain.clear()
    with pytest.raises(NetworkUnreachable, match="does not show the block before the first"):
        await holdings(world.context, net)


async def test_an_address_that_comes_into_use_while_the_network_is_asked_makes_nothing_look_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not among those asked for, and what arrived there is booked at the block that the answer is of."""
    owner, net = await world.customer("alice"), world.networks[BITCOIN]
    asked: list[frozenset[str]] = []

    async def arriving(net: FakeNetwork, addresses: Sequence[str], _at: BlockRef) -> Observation:
        asked.append(frozenset(addresses))
        if len(asked) == 1:
            await world.fund(owner, "BTC", "2")
        return await OBSERVE(net, addresses, await net.tip())

    await world.fund(await world.customer("bob"), "BTC", "5")
    monkeypatch.setattr(FakeNetwork, "observe", arriving)
    found = await holdings(at_rest(world), net)
    assert asked[0] < asked[-1], "no address came into use: the test would say nothing"
    assert [(each.booked, each.difference) for each in found] == [(7 * 10**8, 0)]
