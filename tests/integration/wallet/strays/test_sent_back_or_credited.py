"""A token is listed, and one process takes its stray in as a deposit while another sends it back: one of them does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from node.clock import SystemClock
from node.database import Dsns
from tests.fakes.network import FakeNetwork
from tests.fakes.world import DUSD, ETHEREUM, World
from wallet import schema
from wallet.addresses.assign import assign_address
from wallet.context import ACTOR_NODE, Context, Record
from wallet.deposits.detect import record_block
from wallet.errors import Stale
from wallet.ids import SubmissionId
from wallet.journal import Journal
from wallet.journal.change import Change, Committed
from wallet.journal.lanes import Lane
from wallet.money import Amount
from wallet.ports import Block, Incoming
from wallet.strays.find import final_stray
from wallet.strays.states import State
from wallet.treasury.recoveries import Recovery, recovering

TOKEN = "0x" + "ab" * 20


class OvertakenJournal(Journal):
    """What another process commits between this one's look at the books and its own commit."""

    overtaking: Callable[[], Awaitable[object]] | None = None
    was_overtaken = False

    async def commit(self, change: Change, lane: Lane = Lane.INTERACTIVE) -> Committed:
        overtaking, self.overtaking = self.overtaking, None
        if overtaking is not None:
            await overtaking()
            self.was_overtaken = True
        return await super().commit(change, lane)


@pytest.fixture
async def slow(world: World, dsns: Dsns) -> AsyncIterator[tuple[Context, OvertakenJournal]]:
    """A process of the same node that others overtake."""
    journal = OvertakenJournal(dsns.books, SystemClock())
    await journal.start()
    yield replace(world.context, journal=journal), journal
    await journal.stop()


async def strayed(world: World) -> Block:
    """The block of a final stray, as it reads once its token is listed."""
    network, alice = world.networks[ETHEREUM], await world.customer("alice")
    place = str((await assign_address(world.context, ACTOR_NODE, alice, ETHEREUM))["address"])
    network.stray(place, TOKEN, 7, "DUSD")
    network.mine(network.depth)
    await world.look(ETHEREUM)
    height = (await stray_of(world))["height"]
    return as_listed(await block_at(network, height))


async def block_at(network: FakeNetwork, height: int) -> Block:
    (block,) = [block async for block in network.blocks(height, height)]
    return block


def as_listed(block: Block) -> Block:
    (stray,) = block.strays
    return replace(
        block, incoming=(Incoming(stray.identity, stray.address, Amount(stray.units, DUSD), stray.tx),), strays=()
    )


async def stray_of(world: World) -> Record:
    (row,) = await world.context.all(schema.strays.select())
    return row


async def deposits(world: World) -> list[Record]:
    return await world.context.all(schema.deposits.select())


async def sending_back(world: World) -> Change:
    row = await final_stray(world.context, (await stray_of(world))["id"])
    return await recovering(world.context, Recovery({"id": "prp_1"}, row), SubmissionId("sub_1"))


async def test_dpe_09_what_is_sent_back_while_its_block_is_read_again_is_no_deposit(
    world: World, slow: tuple[Context, OvertakenJournal]
) -> None:
    context, journal = slow
    block = await strayed(world)

    async def overtaking() -> None:
        await world.context.journal.commit(await sending_back(world))

    journal.overtaking = overtaking
    await record_block(context, world.networks[ETHEREUM], block)
    assert journal.was_overtaken
    assert (await stray_of(world))["state"] == State.RECOVERING
    assert await deposits(world) == []


async def test_dpe_09_what_became_a_deposit_meanwhile_is_not_sent_back(
    world: World, slow: tuple[Context, OvertakenJournal]
) -> None:
    context, journal = slow
    block, change = await strayed(world), await sending_back(world)

    async def overtaking() -> None:
        await record_block(world.context, world.networks[ETHEREUM], block)

    journal.overtaking = overtaking
    with pytest.raises(Stale):
        await context.journal.commit(change)
    assert journal.was_overtaken
    (deposit,) = await deposits(world)
    assert (deposit["state"], deposit["units"]) == ("detected", 7)
    assert (await stray_of(world))["state"] == State.CREDITED
    await record_block(world.context, world.networks[ETHEREUM], block)
    assert len(await deposits(world)) == 1


async def test_dpe_09_a_stray_that_a_reorg_took_and_that_returns_as_a_deposit_is_a_stray_no_more(world: World) -> None:
    network = world.networks[ETHEREUM]
    await strayed(world)
    network.reorg(network.depth, forget=True)
    await world.look(ETHEREUM)
    assert (await stray_of(world))["state"] == State.ORPHANED
    network.mine()
    place = (await network.tip()).height
    row = await stray_of(world)
    again = Incoming(row["identity"], row["address"], Amount(row["units"], DUSD), row["tx"])
    await record_block(world.context, network, replace(await block_at(network, place), incoming=(again,)))
    assert (await stray_of(world))["state"] == State.CREDITED
    assert [deposit["units"] for deposit in await deposits(world)] == [7]


async def test_dpe_15_a_stray_of_another_branch_that_a_scan_left_behind_is_gone(world: World) -> None:
    """It had written down the block, and died before its cursor moved."""
    network, alice = world.networks[ETHEREUM], await world.customer("alice")
    place = str((await assign_address(world.context, ACTOR_NODE, alice, ETHEREUM))["address"])
    await world.look(ETHEREUM)
    network.stray(place, TOKEN, 7, "DUSD")
    network.mine()
    await record_block(world.context, network, await block_at(network, (await network.tip()).height))
    assert (await stray_of(world))["state"] == State.SEEN
    network.reorg(1, forget=True)
    await world.look(ETHEREUM)
    assert (await stray_of(world))["state"] == State.ORPHANED
