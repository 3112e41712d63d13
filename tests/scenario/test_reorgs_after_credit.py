"""A reorg that takes away what was credited: the books let it go by themselves, once; who has spent it owes it by name; what
comes back repays it. A network that takes back what it called final is halted until a person has looked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from node.database import Dsns
from tests.fakes.network import Tx
from tests.fakes.world import BITCOIN, BTC, DUSD, ETHEREUM, World, running_world
from tests.scenario.owing import available, credited, deposit, exact, is_frozen, owed, parse_text, spent
from wallet import schema
from wallet.breaks.locate import locate
from wallet.breaks.open import reconcile_network
from wallet.context import Record
from wallet.customers.freeze import unfreeze_customer
from wallet.deposits.charge_back import charge_back_deposit
from wallet.deposits.reorged import reorged_deposits
from wallet.deposits.states import FOLLOWS, State, follow
from wallet.errors import AccountFrozen, NetworkHalted, NotAllowed
from wallet.ids import CustomerId, NetworkId
from wallet.journal.change import Request
from wallet.ledger.holdings import holdings
from wallet.money import Amount, Asset, parse_amount
from wallet.networks.halt import resume_network
from wallet.ports import Destination
from wallet.withdrawals.request import request_withdrawal

CHAINS = pytest.mark.parametrize(("network", "asset"), [(ETHEREUM, DUSD), (BITCOIN, BTC)], ids=["accounts", "coins"])
DEEP = 157  # blocks: what Polygon took back in 2023


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        yield running


async def reorganised(world: World, network: NetworkId, blocks: int | None = None, *, forget: bool = True) -> None:
    world.networks[network].reorg(blocks or world.networks[network].depth, forget=forget)
    await world.look(network)


async def spent_and_lost(
    world: World, network: NetworkId, asset: Asset, text: str, *, forget: bool = True
) -> tuple[CustomerId, Record]:
    """Alice, who has given away so much of her only deposit, and the deposit as it was before a reorg took it."""
    owner, row = await credited(world, asset)
    await spent(world, owner, asset, text)
    await reorganised(world, network, forget=forget)
    return owner, row


async def include_again(world: World, network: NetworkId, owner: CustomerId, row: Record, asset: Asset) -> None:
    """The same tx, in a block of the new branch that becomes final."""
    (address,) = [a for a in await world.context.all(schema.addresses.select()) if a["owner"] == owner]
    chain = world.networks[network]
    chain.pool[row["tx"]] = Tx(row["tx"], ((address["address"], Amount(row["units"], asset)),))
    chain.mine(chain.depth)
    await world.look(network)


async def withdraw(world: World, owner: CustomerId, network: NetworkId, asset: Asset, amount: str) -> str:
    request = Request(owner, "withdrawal.request", f"out-{amount}", b"test")
    units, to = parse_amount(amount, asset), Destination("somebody-outside")
    made = await request_withdrawal(world.context, "test", owner, network, units, to, request)
    return str(made.result["id"])


async def kinds(world: World) -> list[str]:
    rows = await world.context.all(text("SELECT kind FROM journal ORDER BY seq"))
    return [row["kind"] for row in rows]


@CHAINS
async def test_dpe_07_what_was_spent_is_owed_by_name_and_the_customer_and_the_network_stop(
    world: World, network: NetworkId, asset: Asset
) -> None:
    owner, row = await credited(world, asset)
    await spent(world, owner, asset, "3")
    world.networks[network].mine(DEEP)
    await world.look(network)

    await reorganised(world, network, DEEP + 2)

    assert await available(world, owner, asset) == parse_text("0", asset)
    assert await owed(world, owner, asset) == parse_amount("3", asset).units
    after = await deposit(world)
    assert (after["state"], after["reason"], after["height"]) == ("charged_back", "reorg", None)
    assert await is_frozen(world, owner)
    with pytest.raises(NetworkHalted):
        await withdraw(world, await world.customer("carl"), network, asset, "1")
    assert await exact(world)
    assert await reconcile_network(world.context, world.networks[network], 0) == []
    (holding,) = [each for each in await holdings(world.context, world.networks[network]) if each.asset == asset.symbol]
    assert await locate(world.context, world.networks[network], holding, lambda _done, _of: None) == []
    (told,) = await reorged_deposits(world.context)
    assert (told["id"], told["owed"], told["frozen"]) == (row["id"], parse_text("3", asset), True)
    assert {"network.halted", "deposit.uprooted", "customer.frozen", "deposit.charged_back"} <= set(await kinds(world))


@CHAINS
async def test_dpe_07_seen_again_it_repays_once_when_a_person_has_let_the_network_go_on(
    world: World, network: NetworkId, asset: Asset
) -> None:
    owner, row = await spent_and_lost(world, network, asset, "3")
    await include_again(world, network, owner, row, asset)
    assert (await deposit(world))["state"] == "confirming", "halted: nothing is credited"
    with pytest.raises(NotAllowed, match="reason"):
        await resume_network(world.context, "test", network, " ")
    assert await resume_network(world.context, "test", network, "one miner, gone")
    for _ in range(3):
        await world.look(network)
        assert (await deposit(world))["state"] == "credited"
        assert await owed(world, owner, asset) == 0
        assert await available(world, owner, asset) == parse_text("2", asset)
        assert await exact(world)
    assert await is_frozen(world, owner), "a person says when"
    await unfreeze_customer(world.context, "test", owner, "repaid")
    await reorganised(world, network)
    await include_again(world, network, owner, row, asset)
    await resume_network(world.context, "test", network, "again")
    await world.look(network)
    assert await available(world, owner, asset) == parse_text("2", asset)
    assert await owed(world, owner, asset) == 0
    assert await exact(world)


@CHAINS
async def test_dpe_07_another_deposit_repays_what_the_reorg_left_owing(
    world: World, network: NetworkId, asset: Asset
) -> None:
    owner, _ = await spent_and_lost(world, network, asset, "3")
    await resume_network(world.context, "test", network, "looked")
    await world.fund(owner, asset.symbol, "4")
    assert await owed(world, owner, asset) == 0
    assert await available(world, owner, asset) == parse_text("1", asset)
    assert await exact(world)


@CHAINS
async def test_dpe_07_what_the_new_branch_has_as_well_stays_credited(
    world: World, network: NetworkId, asset: Asset
) -> None:
    owner, row = await spent_and_lost(
        world, network, asset, "5", forget=False
    )  # in the pool, and not in the new branch yet
    assert (await deposit(world))["state"] == "charged_back"
    assert await owed(world, owner, asset) == parse_amount("5", asset).units
    again = world.networks[network]
    again.mine(again.depth)
    await world.look(network)
    await resume_network(world.context, "test", network, "looked")
    await world.look(network)
    moved = await deposit(world)
    assert moved["state"] == "credited"
    assert moved["block"] != row["block"]
    waiting = dict(again.pool)
    again.pool = {row["tx"]: again.txs[row["tx"]]}
    again.reorg_including(again.depth)
    again.pool |= waiting
    await world.look(network)
    assert (await deposit(world))["state"] == "credited"
    assert (await kinds(world)).count("deposit.charged_back") == 1
    assert (await kinds(world)).count("deposit.found_again") == 1
    assert await owed(world, owner, asset) == 0
    assert await exact(world)


async def test_dpe_07_who_has_it_still_loses_it_and_goes_on(world: World) -> None:
    owner, _ = await credited(world, DUSD)
    await reorganised(world, ETHEREUM)
    assert await available(world, owner, DUSD) == parse_text("0", DUSD)
    assert await owed(world, owner, DUSD) == 0
    assert not await is_frozen(world, owner)
    assert await exact(world)


async def test_dpe_07_unsigned_withdrawals_are_cancelled_newest_first_before_anything_is_owed(world: World) -> None:
    owner, row = await credited(world, DUSD, "10")
    first = await withdraw(world, owner, ETHEREUM, DUSD, "4")
    second = await withdraw(world, owner, ETHEREUM, DUSD, "3")
    await spent(world, owner, DUSD, "2")
    await reorganised(world, ETHEREUM)
    states = {each["id"]: each["state"] for each in await world.context.all(schema.withdrawals.select())}
    assert states == {first: "cancelled", second: "cancelled"}
    assert await owed(world, owner, DUSD) == parse_amount("2", DUSD).units
    assert await available(world, owner, DUSD) == parse_text("0", DUSD)
    assert (await deposit(world))["id"] == row["id"]
    with pytest.raises(AccountFrozen):
        await spent(world, owner, DUSD, "1", "carl")
    assert await exact(world)


async def test_dpe_07_only_as_many_withdrawals_are_cancelled_as_are_needed(world: World) -> None:
    owner, _ = await credited(world, DUSD, "5")
    address = (await deposit(world))["address"]
    world.networks[ETHEREUM].mine(8)
    world.networks[ETHEREUM].pay_in(address, parse_amount("5", DUSD))
    world.networks[ETHEREUM].mine(2)
    await world.look(ETHEREUM)
    first = await withdraw(world, owner, ETHEREUM, DUSD, "4")
    second = await withdraw(world, owner, ETHEREUM, DUSD, "3")
    await reorganised(world, ETHEREUM, 5)
    states = {each["id"]: each["state"] for each in await world.context.all(schema.withdrawals.select())}
    assert states == {first: "requested", second: "cancelled"}
    assert await owed(world, owner, DUSD) == 0
    assert await available(world, owner, DUSD) == parse_text("1", DUSD)
    assert await exact(world)


async def test_a_branch_that_is_shorter_says_nothing_yet_unless_a_person_does(world: World) -> None:
    chain = world.networks[ETHEREUM]
    chain.mine(5)
    owner, row = await credited(world, DUSD)
    chain.cut(6)
    chain.pool.clear()
    chain.mine(1)
    await world.look(ETHEREUM)
    assert (await deposit(world))["state"] == "uprooted"
    assert await exact(world), "by name"
    assert await available(world, owner, DUSD) == parse_text("5", DUSD)
    done = await charge_back_deposit(world.context, "test", row["id"], "it was spent twice")
    assert done["status"] == "charged_back"
    assert await available(world, owner, DUSD) == parse_text("0", DUSD)
    chain.mine(8)
    await world.look(ETHEREUM)
    assert await exact(world)


async def test_what_operators_had_sent_is_taken_out_of_capital_again(world: World) -> None:
    (house,) = [
        a
        for a in await world.context.all(schema.addresses.select())
        if a["owner"] == "house" and a["network"] == BITCOIN
    ]
    chain = world.networks[BITCOIN]
    chain.pay_in(house["address"], parse_amount("2", BTC))
    chain.mine(chain.depth)
    await world.look(BITCOIN)
    assert (await deposit(world))["state"] == "credited"
    await reorganised(world, BITCOIN)
    assert (await deposit(world))["state"] == "charged_back"
    assert await exact(world)


def test_every_state_of_a_deposit_has_its_next_ones() -> None:
    assert set(FOLLOWS) == set(State)
    assert follow(State.UPROOTED, State.CREDITED) is State.CREDITED
    with pytest.raises(AssertionError, match="does not go from credited to detected"):
        follow(State.CREDITED, State.DETECTED)


async def test_dpe_15_what_a_scan_that_died_had_written_down_of_another_branch_does_not_stay(world: World) -> None:
    """Its deposits were in the books, and its cursor was not there yet."""
    owner, row = await credited(world, DUSD)
    chain = world.networks[ETHEREUM]
    async with world.context.ops.begin() as connection:
        await connection.execute(text("DELETE FROM scan_cursors"))
        await connection.execute(text("DELETE FROM scanned_blocks WHERE height > 0"))
    chain.reorg(chain.depth, forget=True)
    await world.look(ETHEREUM)
    assert (await deposit(world))["state"] == "charged_back"
    assert await available(world, owner, DUSD) == parse_text("0", DUSD)
    assert (await deposit(world))["id"] == row["id"]
    assert await exact(world)
