"""Money that is missing: found within one cycle, its asset stopped alone, named, and ended by a person."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from node.commands.status import read_status
from node.database import Dsns
from node.workers.reconcile_assets import reconcile_assets
from tests.fakes.clock import StillClock
from tests.fakes.world import ASSETS, BITCOIN, BTC, DUSD, ETH, ETHEREUM, EUR, SEPA, World, running_world
from wallet import schema
from wallet.addresses.assign import assign_address, assign_house_address
from wallet.breaks import open as opening
from wallet.breaks.open import open_break, reconcile_network
from wallet.breaks.resolve import look_into, resolve_break
from wallet.context import Record
from wallet.errors import AssetPaused, BreakStands, NotAllowed
from wallet.ids import NetworkId, random_id
from wallet.journal.change import Request
from wallet.ledger.balances import balances
from wallet.ledger.reconcile import positions
from wallet.money import Amount, parse_amount
from wallet.ports import Destination, NetworkUnreachable
from wallet.treasury.drive import drive_submissions
from wallet.treasury.sweeps import sweep_deposits
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.request import request_withdrawal


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        yield running


async def funded(world: World) -> dict[str, str]:
    """A customer with something of everything, and ether of the house."""
    owner = await world.customer("alice")
    hot = str((await assign_house_address(world.context, ETHEREUM))["address"])
    world.networks[ETHEREUM].pay_in(hot, Amount(10**9, ETH))
    for symbol in ASSETS:
        await world.fund(owner, symbol, "5")
    return {row["asset"]: row["available"] for row in await balances(world.context, owner)}


async def cycle(world: World) -> list[Record]:
    """One cycle of the loop on every network."""
    return [row for n in world.networks.values() for row in await reconcile_network(world.context, n, 0)]


async def paused(world: World) -> dict[str, str]:
    rows = await world.context.all(schema.assets.select().where(schema.assets.c.paused))
    return {row["id"]: row["pause_reason"] for row in rows}


async def withdraw(world: World, network: NetworkId, amount: Amount, owner: str) -> None:
    request = Request(owner, "withdrawal.request", random_id("key"), b"test")
    to = Destination("somebody", "Some Body")
    await request_withdrawal(world.context, "test", owner, network, amount, to, request)  # type: ignore[arg-type]


async def owner_of(world: World) -> str:
    return str((await world.context.all(schema.customers.select()))[0]["id"])


@pytest.mark.parametrize(
    ("network", "asset"), [(ETHEREUM, DUSD), (ETHEREUM, ETH), (BITCOIN, BTC), (SEPA, EUR)], ids=lambda x: str(x)[:24]
)
async def test_ops_05_one_missing_unit_pauses_that_asset_alone_and_names_the_command(
    world: World, network: NetworkId, asset: object
) -> None:
    await funded(world)
    assert await cycle(world) == []
    stolen = next(a for a in ASSETS.values() if a == asset)
    world.networks[network].steal(Amount(1, stolen))
    world.networks[network].mine(3)
    await world.look(network)

    (found,) = await cycle(world)

    assert (found["asset"], found["network"], found["units"]) == (stolen.symbol, network, 1)
    reasons = await paused(world)
    assert set(reasons) == {stolen.symbol}
    assert f"coffer break resolve {found['id']}" in reasons[stolen.symbol]
    assert await cycle(world) == [], "one break at a time"


async def test_ops_05_withdrawals_of_a_short_asset_stop_within_one_cycle_and_others_go_on(world: World) -> None:
    await funded(world)
    owner = await owner_of(world)
    await withdraw(world, ETHEREUM, parse_amount("1", DUSD), owner)  # asked for before, not begun yet
    world.networks[BITCOIN].steal(Amount(1, BTC))
    world.networks[BITCOIN].mine(3)
    await world.look(BITCOIN)
    await withdraw(world, BITCOIN, parse_amount("1", BTC), owner)

    await cycle(world)

    with pytest.raises(AssetPaused):
        await withdraw(world, BITCOIN, parse_amount("1", BTC), owner)
    await pay_withdrawals(world.context, world.networks[BITCOIN])
    assert await world.context.all(schema.submissions.select()) == [], "what was requested before is not begun"
    await withdraw(world, SEPA, parse_amount("1", EUR), owner)
    await pay_withdrawals(world.context, world.networks[SEPA])
    assert [row["network"] for row in await world.context.all(schema.submissions.select())] == [SEPA]


async def test_a_surplus_is_shown_and_pauses_nothing_and_a_later_deposit_is_credited_once(world: World) -> None:
    await funded(world)
    owner = await owner_of(world)
    address = str((await assign_address(world.context, "test", owner, ETHEREUM))["address"])
    net = world.networks[ETHEREUM]
    net.pay_in(address, Amount(7, DUSD))
    net.mine(net.depth)
    before = {p.asset: p.difference for p in await positions(world.context)}
    net.give(Amount(3, DUSD))
    net.mine(net.depth)
    await world.look(ETHEREUM)
    await world.look(ETHEREUM)

    assert await cycle(world) == []
    assert await paused(world) == {}
    assert before["DUSD"] == 0
    proofs = {row["asset"]: row for row in (await read_status(world.context))["proofs"]}
    assert proofs["DUSD"]["difference"] == "0.000003"
    available = {row["asset"]: row["available"] for row in await balances(world.context, owner)}  # type: ignore[arg-type]
    assert available["DUSD"] == "5.000007"


async def test_money_on_its_way_is_never_short(world: World) -> None:
    """A cycle at every step of sweeps, gas fundings and withdrawals, on every network, with a reorg in between."""
    await funded(world)
    owner = await owner_of(world)
    for network, asset in ((ETHEREUM, DUSD), (BITCOIN, BTC), (SEPA, EUR)):
        await withdraw(world, network, parse_amount("1", asset), owner)
    for turn in range(12):
        for name, net in world.networks.items():
            final = await net.final()
            assert final is not None
            await world.look(name)
            assert await cycle(world) == []
            await pay_withdrawals(world.context, net)
            assert await cycle(world) == []
            await sweep_deposits(world.context, net, final, {})
            await drive_submissions(world.context, net)
            assert await cycle(world) == []
            net.mine()
            assert await cycle(world) == []
            if turn == 4 and name != SEPA:
                net.reorg(1)
    states = {row["state"] for row in await world.context.all(schema.submissions.select())}
    assert "final" in states
    assert await paused(world) == {}
    assert all(p.difference == 0 for p in await positions(world.context))


async def test_a_network_that_does_not_answer_is_unproven_and_not_short(world: World) -> None:
    await funded(world)
    await cycle(world)
    silent = world.networks[ETHEREUM]
    silent.silent = True
    with pytest.raises(NetworkUnreachable):
        await reconcile_network(world.context, silent, 0)
    world.networks[BITCOIN].steal(Amount(1, BTC))
    world.networks[BITCOIN].mine(3)
    await world.look(BITCOIN)
    await reconcile_network(world.context, world.networks[BITCOIN], 0)

    assert set(await paused(world)) == {"BTC"}, "a silent network holds up no other"
    table = schema.reconciliations
    rows = {row["asset"]: row for row in await world.context.all(table.select())}
    assert "silent" in rows["ETH"]["error"]
    assert rows["ETH"]["difference"] == 0
    assert rows["ETH"]["proven_at"] < rows["ETH"]["tried_at"]
    shown = {asset["asset"]: asset for asset in (await read_status(world.context))["assets"]}
    assert "silent" in shown["ETH"]["unproven"]
    assert shown["BTC"]["difference"] == "-0.00000001", "what other networks prove is shown"
    assert "unproven" not in shown["BTC"]
    silent.silent = False
    await reconcile_network(world.context, silent, 0)
    assert await paused(world) == {"BTC": (await paused(world))["BTC"]}


async def test_a_scan_that_lags_and_a_clock_that_stands_still_are_no_shortfall(world: World) -> None:
    await funded(world)
    frozen = replace(world, context=replace(world.context, clock=StillClock(datetime(2026, 1, 1, tzinfo=UTC))))
    net = world.networks[ETHEREUM]
    hot = str((await assign_house_address(world.context, ETHEREUM))["address"])
    net.pay_in(hot, Amount(10**6, ETH))
    net.mine(50)  # and nobody has scanned them

    assert await cycle(frozen) == []
    await frozen.look(ETHEREUM)
    assert await cycle(frozen) == []
    net.steal(Amount(1, DUSD))
    net.mine(3)
    await frozen.look(ETHEREUM)
    assert [row["asset"] for row in await cycle(frozen)] == ["DUSD"], "a stopped clock hides nothing"


async def test_a_shortfall_that_one_look_shows_and_the_next_does_not_is_none(world: World) -> None:
    await funded(world)
    net = world.networks[BITCOIN]
    net.steal(Amount(1, BTC))
    net.mine(3)
    await world.look(BITCOIN)
    healing = Healing(net)
    assert await reconcile_network(replace(world.context, clock=healing), net, 0) == []
    assert healing.slept, "the second look was made"
    assert await paused(world) == {}


class Healing:
    """A provider that catches up while we wait."""

    def __init__(self, net: object) -> None:
        self.net, self.slept = net, False

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        self.slept = True
        self.net.give(Amount(1, BTC), now=True)  # type: ignore[attr-defined]


async def test_a_break_is_shown_and_ends_as_a_loss_of_the_house(world: World) -> None:
    await funded(world)
    net = world.networks[ETHEREUM]
    net.steal(Amount(2, DUSD))
    net.mine(3)
    await world.look(ETHEREUM)
    (found,) = await cycle(world)
    name = str(found["id"])

    shown = await look_into(world.context, name, lambda _done, _of: None)
    assert [(place.kind, place.difference) for place in shown.locations] == [("hot", -2)]
    with pytest.raises(BreakStands):
        await resolve_break(world.context, "test", name, "we looked")
    assert set(await paused(world)) == {"DUSD"}
    await resolve_break(world.context, "test", name, "stolen, key replaced", book_loss=True)

    assert await paused(world) == {}
    assert await cycle(world) == []
    assert all(p.difference == 0 for p in await positions(world.context))
    rows = await world.context.all(schema.accounts.select().where(schema.accounts.c.code == "loss"))
    assert [(row["asset"], row["debits_posted"]) for row in rows] == [("DUSD", 2)]
    with pytest.raises(NotAllowed):
        await resolve_break(world.context, "test", name, "again", book_loss=True)


async def test_a_break_whose_difference_is_gone_is_explained_and_another_pause_stays(world: World) -> None:
    await funded(world)
    net = world.networks[BITCOIN]
    net.steal(Amount(4, BTC))
    net.mine(3)
    await world.look(BITCOIN)
    (found,) = await cycle(world)
    net.give(Amount(4, BTC))
    net.mine()
    await world.look(BITCOIN)
    await resolve_break(world.context, "test", str(found["id"]), "the bank brought it back")
    assert await paused(world) == {}
    assert await open_break(world.context, "BTC") is None


async def test_the_loop_tells_operators(world: World) -> None:
    await funded(world)
    world.networks[BITCOIN].steal(Amount(1, BTC))
    world.networks[BITCOIN].mine(3)
    await world.look(BITCOIN)
    quick = replace(world.context, clock=StillClock(datetime(2026, 1, 1, tzinfo=UTC)))
    await reconcile_assets(quick, world.networks[BITCOIN])

    status = await read_status(world.context)
    (shown,) = status["breaks"]
    assert shown["missing"] == "0.00000001"
    notice = next(n for n in status["notices"] if n["subject"] == shown["id"])
    assert f"coffer break resolve {shown['id']}" in notice["reason"]
    assert opening.SECOND_LOOK_S < 30
