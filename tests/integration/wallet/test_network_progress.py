"""How far a network is: while it is caught up with, at its tip, stopped, and behind providers that differ."""

from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from chains.quorum.quorum import Quorum
from node.commands.status import print_networks, read_networks
from node.notices import latest_notices
from node.workers.follow_network import follow_network
from node.workers.watch_head import silent_after_s, watch_head
from tests.fakes.provider import FakeProvider
from tests.fakes.world import ETHEREUM, SEPA, World
from wallet.context import ACTOR_NODE
from wallet.networks.halt import halt_network, resume_network
from wallet.networks.view import NetworkStatus, NetworkView, network_views
from wallet.ports import BlockRef, NetworkUnreachable
from wallet.ports.providers import NetworkConflict


async def seen(world: World) -> NetworkView:
    return next(view for view in await network_views(world.context) if view.id == ETHEREUM)


async def follow(world: World) -> NetworkView:
    await follow_network(world.context, world.networks[ETHEREUM])
    return await seen(world)


async def test_a_network_that_nobody_has_looked_at_says_so(world: World) -> None:
    view = await seen(world)
    assert (view.status, view.tip, view.lag_blocks, view.error) == (
        NetworkStatus.NOT_ANSWERING,
        None,
        None,
        "not seen yet",
    )


async def test_the_list_of_networks_is_printed_with_what_the_status_tells(world: World) -> None:
    world.networks[ETHEREUM].mine(7)
    await follow(world)
    console = Console(record=True, width=100)
    print_networks(console, await read_networks(world.context))
    line = next(line for line in console.export_text().splitlines() if ETHEREUM in line)
    assert "running" in line
    assert " 7 " in line


async def test_catching_up_shows_height_speed_and_what_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet.deposits.scan.STEP", timedelta(0))
    monkeypatch.setattr("wallet.deposits.scan.BLOCKS_MAX", 50)
    world.networks[ETHEREUM].mine(120)
    view = await follow(world)
    assert view.status is NetworkStatus.CATCHING_UP
    assert view.catching_up is not None
    assert (view.tip, view.scanned, view.lag_blocks, view.catching_up.height) == (120, 50, 70, 50)
    per_minute, eta_s = view.catching_up.blocks_per_minute, view.catching_up.eta_s
    assert per_minute
    assert eta_s == 70 * 60 // per_minute
    assert view.lag_s is not None
    assert view.lag_s > 0
    await follow(world)
    view = await follow(world)
    assert (view.status, view.scanned, view.lag_blocks, view.lag_s, view.catching_up) == (
        NetworkStatus.RUNNING,
        120,
        0,
        0,
        None,
    )


async def test_what_stops_a_network_is_its_status(world: World) -> None:
    chain = world.networks[ETHEREUM]
    chain.mine(3)
    assert (await follow(world)).status is NetworkStatus.RUNNING
    chain.silent = True
    with pytest.raises(NetworkUnreachable):
        await follow(world)
    view = await seen(world)
    assert (view.status, view.tip) == (NetworkStatus.NOT_ANSWERING, 3)
    chain.silent = False
    await halt_network(world.context, ACTOR_NODE, ETHEREUM, "a test")
    view = await follow(world)
    assert (view.status, view.halted) == (NetworkStatus.PAUSED, "a test")
    await resume_network(world.context, "op", ETHEREUM, "looked")
    assert (await follow(world)).status is NetworkStatus.RUNNING


async def test_providers_are_told_with_their_agreement(world: World) -> None:
    chain = world.networks[ETHEREUM]
    members: Any = {name: FakeProvider(chain) for name in ("a.example", "b.example")}
    network = Quorum(members, 2)
    chain.mine(4)
    await follow_network(world.context, network)
    view = await seen(world)
    assert [(one["host"], one["circuit"], one["tip"], one["agrees"]) for one in view.providers] == [
        ("a.example", "closed", 4, True),
        ("b.example", "closed", 4, True),
    ]
    for name in ("final", "block_ref"):
        members["b.example"].lies[name] = lambda ref: BlockRef(ref.height, "other")
    with pytest.raises(NetworkConflict):
        await follow_network(world.context, network)
    view = await seen(world)
    assert (view.status, [one["agrees"] for one in view.providers]) == (NetworkStatus.PAUSED, [False, False])
    assert "b.example" in str(view.error)
    assert next(one for one in await network_views(world.context) if one.id == SEPA).providers == ()


async def test_rpc_07_a_head_that_stands_still_is_told_before_three_block_times_and_when_it_moves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block time is 4 s; a look comes every second of it, at the latest after 11 s it is told."""
    clock = world.context.clock
    chain, now = world.networks[ETHEREUM], clock.now()
    elapsed = timedelta(0)
    monkeypatch.setattr(clock, "now", lambda: now + elapsed, raising=False)
    chain.mine(1)
    await follow(world)
    for second in range(12):
        elapsed = timedelta(seconds=second)
        await follow(world)
        await watch_head(world.context, ETHEREUM, 4)
        told = [(one["subject"], one["state"]) for one in await latest_notices(world.context)]
        assert told == ([] if second < silent_after_s(4) else [("head", "silent")])
    chain.mine(1)
    await follow(world)
    await watch_head(world.context, ETHEREUM, 4)
    assert [one["state"] for one in await latest_notices(world.context)] == ["moving"]


async def test_rpc_07_a_provider_that_answers_nothing_is_silent_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = world.context.clock
    now = clock.now()
    elapsed = timedelta(0)
    monkeypatch.setattr(clock, "now", lambda: now + elapsed, raising=False)
    world.networks[ETHEREUM].mine(1)
    await follow(world)
    world.networks[ETHEREUM].silent = True
    elapsed = timedelta(seconds=10)
    with pytest.raises(NetworkUnreachable):
        await follow(world)
    await watch_head(world.context, ETHEREUM, 4)
    (notice,) = await latest_notices(world.context)
    assert (notice["state"], notice["reason"]) == ("silent", "no block after 1 for 10 s")
