"""CRS-01 where a reorg takes back what was final: the process dies by SIGKILL at each point of it, and the next one ends it as
if nothing had been. The networks are fakes, since a real chain cannot be put back for the next point."""

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from node.database import Dsns
from node.workers.pay_withdrawals import pay_and_follow
from tests.fakes.world import DUSD, ETHEREUM, World, running_world
from tests.scenario.owing import available, deposits, exact, is_frozen, owed, parse_text, spent
from wallet import schema
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.money import parse_amount
from wallet.points import POINTS
from wallet.ports import Destination
from wallet.withdrawals.request import request_withdrawal

REORG_POINTS = tuple(sorted(name for name in POINTS if name.startswith(("reorg.", "take_back."))))
SAMPLE = "take_back.after_cancel"
ROOT = Path(__file__).parents[3]


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        yield running


async def withdraw(world: World, owner: CustomerId, text: str) -> None:
    request = Request(owner, "withdrawal.request", text, b"test")
    to = Destination("somebody-outside")
    await request_withdrawal(world.context, "test", owner, ETHEREUM, parse_amount(text, DUSD), to, request)


async def involved(world: World) -> CustomerId:
    """Of ten that alice got two are paid out, four are given away, three are asked for, and one is left."""
    chain = world.networks[ETHEREUM]
    rows = await world.context.all(schema.addresses.select())
    (house,) = [row for row in rows if (row["owner"], row["network"]) == ("house", ETHEREUM)]
    for asset in chain.assets:
        chain.pay_in(house["address"], parse_amount("1", asset))
    chain.mine(3)
    owner = await world.customer("alice")
    await world.fund(owner, "DUSD", "10")
    await withdraw(world, owner, "2")
    for _ in range(4):
        await pay_and_follow(world.context, chain)
        chain.mine()
        await world.look(ETHEREUM)
    await spent(world, owner, DUSD, "4")
    await withdraw(world, owner, "3")
    assert await available(world, owner, DUSD) == parse_text("1", DUSD)
    return owner


async def dies(
    world: World, dsns: Dsns, folder: Path, point: str, program: str = "tests.scenario.crashes.look_once"
) -> int:
    for network in world.networks.values():
        network.book = None  # type: ignore[assignment]  # the process has its own
    file = folder / "networks.pickle"
    file.write_bytes(pickle.dumps((world.networks, world.signer)))
    arguments: Sequence[str] = (str(file), dsns.books, dsns.ops, str(folder), ETHEREUM)
    environment = {**os.environ, "COFFER_CRASH_AT": point}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", program, *arguments),
        cwd=ROOT,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await child.communicate()
    assert child.returncode in (0, -signal.SIGKILL), said.decode()
    return child.returncode


@pytest.mark.parametrize(
    "point", [pytest.param(name, marks=() if name == SAMPLE else (pytest.mark.whole,)) for name in REORG_POINTS]
)
async def test_crs_01_killed_at_a_point_of_a_reorg_the_next_process_ends_it(
    world: World, dsns: Dsns, tmp_path: Path, point: str
) -> None:
    owner, books = await involved(world), [network.book for network in world.networks.values()]
    (payment,) = [row for row in await world.context.all(schema.submissions.select()) if row["state"] == "final"]
    depth = len(world.networks[ETHEREUM].blocks_since(payment["height"])) + 3
    world.networks[ETHEREUM].reorg(depth, forget=True)

    assert await dies(world, dsns, tmp_path, point) == -signal.SIGKILL

    for network, book in zip(world.networks.values(), books, strict=True):
        network.book = book
    for _ in range(2):
        await world.look(ETHEREUM)
        assert await exact(world)
        assert [row["state"] for row in await deposits(world, owner)] == ["charged_back"]
        assert await owed(world, owner, DUSD) == parse_amount("6", DUSD).units
        assert await available(world, owner, DUSD) == parse_text("0", DUSD)
        assert await is_frozen(world, owner)
        states = sorted(row["state"] for row in await world.context.all(schema.withdrawals.select()))
        assert states == ["cancelled", "final"]
        assert [row["state"] for row in await world.context.all(schema.submissions.select())] == ["uprooted"]
