"""Books that were lost forget whom addresses were given to. What was paid to them is found, and nobody else gets them."""

from typing import Any

import pytest

from node.commands.addresses import find_lost, watch
from node.database import Dsns
from tests.fakes.world import BITCOIN, BTC, ETHEREUM, World
from tests.integration.wallet.changes import proven
from wallet import schema
from wallet.addresses.assign import assign_address, new_address
from wallet.addresses.watch import give_address
from wallet.customers.close import close_customer
from wallet.deposits.attribute import attribute_deposit
from wallet.deposits.detect import record_block
from wallet.deposits.rescan import rescan
from wallet.errors import CustomerClosed, NotAllowed, NotFound
from wallet.money import Amount
from wallet.ports import Block, Incoming

GAP = 1_000
LOST = "bitcoin-deposit-998"  # the thousandth but one address of books that are gone


def quiet(_line: str) -> None:
    pass


async def deposits(world: World) -> list[dict[str, Any]]:
    return [dict(row) for row in await world.context.all(schema.deposits.select().order_by(schema.deposits.c.id))]


async def paid(world: World, address: str, units: int) -> None:
    network = world.networks[BITCOIN]
    network.pay_in(address, Amount(units, BTC))
    network.mine(network.depth)
    await world.look(BITCOIN)


async def test_dpb_08_what_was_paid_beyond_a_gap_of_a_thousand_is_found_and_is_nobodys(
    dsns: Dsns, world: World
) -> None:
    await paid(world, LOST, 5_000)
    assert await deposits(world) == [], "these books do not know the address"
    found = await find_lost(world.context, BITCOIN, 1, GAP, "the books are lost", quiet)
    (row,) = await deposits(world)
    assert (row["address"], row["state"], row["reason"], row["owner"]) == (LOST, "quarantined", "unattributed", None)
    assert found.watched == 998 + 1 + GAP, "a gap of unused ones lies behind the last that was used"
    assert (found.first, found.last, found.rounds) == (1, (await world.networks[BITCOIN].tip()).height, 2)
    await proven(dsns.books)


async def test_dpb_08_no_customer_is_given_an_address_that_lost_books_may_have_handed_out(world: World) -> None:
    await watch(world.context, BITCOIN, GAP, "restored", quiet)
    owner = await world.customer("carol")
    assert (await assign_address(world.context, "test", owner, BITCOIN))["address"] == f"bitcoin-deposit-{GAP}"
    assert (await new_address(world.context, "test", owner, BITCOIN, None)).result[
        "address"
    ] == f"bitcoin-deposit-{GAP + 1}"


async def test_an_address_that_was_found_is_given_back_with_what_arrived_there(dsns: Dsns, world: World) -> None:
    await watch(world.context, BITCOIN, GAP, "restored", quiet)
    await paid(world, LOST, 5_000)
    (row,) = await deposits(world)
    bob = await world.customer("bob")
    await give_address(world.context, "test", BITCOIN, LOST, "@bob", "his invoice says so")
    await attribute_deposit(world.context, "test", row["id"], "@bob", "his invoice says so")
    await paid(world, LOST, 700)
    assert [(one["owner"], one["state"], one["units"]) for one in await deposits(world)] == [
        (bob, "credited", 5_000),
        (bob, "credited", 700),
    ]
    with pytest.raises(NotAllowed, match="belongs to somebody"):
        await give_address(world.context, "test", BITCOIN, LOST, "@bob", "again")
    await proven(dsns.books)


async def test_nothing_is_given_to_the_closed_and_nothing_that_is_not_watched(world: World) -> None:
    await watch(world.context, BITCOIN, 3, "restored", quiet)
    gone = await world.customer("gone")
    await close_customer(world.context, "test", gone, "left")
    with pytest.raises(CustomerClosed):
        await give_address(world.context, "test", BITCOIN, "bitcoin-deposit-1", "@gone", "x")
    with pytest.raises(NotFound):
        await give_address(world.context, "test", BITCOIN, "bitcoin-deposit-3", "@gone", "x")
    with pytest.raises(NotFound):
        await give_address(world.context, "test", ETHEREUM, "bitcoin-deposit-1", "@gone", "x")


async def test_blocks_read_again_change_nothing_in_the_books(dsns: Dsns, world: World) -> None:
    owner = await world.customer("alice")
    address = str((await assign_address(world.context, "test", owner, BITCOIN))["address"])
    for units in (5_000, 700):
        await paid(world, address, units)
    before = await deposits(world), (await proven(dsns.books)).seq
    for _ in range(2):
        read = [block.height async for block in rescan(world.context, world.networks[BITCOIN], 1)]
        assert read[-1] == (await world.networks[BITCOIN].tip()).height
    assert (await deposits(world), (await proven(dsns.books)).seq) == before


async def test_what_was_never_scanned_is_not_read_again(world: World) -> None:
    with pytest.raises(NotAllowed, match="not been scanned"):
        [block async for block in rescan(world.context, world.networks[BITCOIN], 1)]


async def test_dpb_08_the_oldest_of_many_addresses_is_credited_as_the_newest(world: World) -> None:
    owner = await world.customer("alice")
    first = str((await assign_address(world.context, "test", owner, BITCOIN))["address"])
    others = [await new_address(world.context, "test", owner, BITCOIN, None) for _ in range(50)]
    for address in (first, str(others[-1].result["address"])):
        await paid(world, address, 5_000)
    assert [(one["owner"], one["state"]) for one in await deposits(world)] == [(owner, "credited")] * 2


async def test_what_no_key_of_this_network_is_known_for_is_attributed_to_nobody(world: World) -> None:
    """The address is watched on another network with the same keys; what arrived on this one cannot be paid out from here."""
    world.networks[BITCOIN].tree = "ethereum"
    await watch(world.context, ETHEREUM, 3, "restored", quiet)
    await paid(world, "ethereum-deposit-1", 5_000)
    (row,) = await deposits(world)
    assert (row["network"], row["state"], row["reason"]) == (BITCOIN, "quarantined", "unattributed")
    await world.customer("bob")
    with pytest.raises(NotAllowed, match="not one that was handed out on this network"):
        await attribute_deposit(world.context, "test", row["id"], "@bob", "he says so")


@pytest.mark.parametrize("first", ["growth", "tx"])
async def test_growth_and_the_tx_that_explains_it_are_not_both_attributed(world: World, first: str) -> None:
    """Growth was found first, then its blocks were read again: whichever is given to somebody, the other is not."""
    await watch(world.context, BITCOIN, 3, "restored", quiet)
    network, bob = world.networks[BITCOIN], await world.customer("bob")
    network.mine(3)
    tip = await network.tip()
    for name, height in (("growth:BTC:bitcoin-deposit-1:0", tip.height), ("tx:0", tip.height - 1)):
        arrival = Incoming(name, "bitcoin-deposit-1", Amount(5_000, BTC), "tx")
        block = Block(height, f"block-{height}", "", world.context.clock.now(), (arrival,))
        await record_block(world.context, network, block)
    rows = {row["identity"].partition(":")[0]: row for row in await deposits(world)}
    other = {"growth": "tx", "tx": "growth"}[first]
    await attribute_deposit(world.context, "test", rows[first]["id"], bob, "his")
    with pytest.raises(NotAllowed, match="the same money"):
        await attribute_deposit(world.context, "test", rows[other]["id"], bob, "his too")
