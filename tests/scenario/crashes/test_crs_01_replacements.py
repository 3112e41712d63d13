"""CRS-01 where a submission is replaced, or its nonce used up by nothing: the process dies by SIGKILL at each point of it, and
the next one ends it with one payment, or none. The network is a fake, since it has to stand still meanwhile."""

import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.database import Dsns
from tests.fakes.network import ACCOUNTS, FakeNetwork
from tests.fakes.world import ETH, ETHEREUM, World, running_world
from tests.integration.wallet.withdrawals.test_poison import ask, funded_on_ethereum, pay
from tests.integration.wallet.withdrawals.test_replacements import (
    AT_ONCE,
    PAID,
    payments,
    refuses_to_sign,
    replacements,
    settled,
    state,
    submission,
)
from tests.scenario.crashes.test_crs_01_reorgs import dies
from tests.scenario.owing import available, exact
from wallet.ids import CustomerId
from wallet.points import POINTS

REPLACE_POINTS = tuple(sorted(name for name in POINTS if name.startswith("replace.")))
SIGNING_POINTS = ("replace.after_sign", "replace.after_store", "replace.after_submit")
SAMPLE = "replace.after_reserve"
PROGRAM = "tests.scenario.crashes.pay_once"


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as running:
        yield running


async def begun(world: World) -> tuple[FakeNetwork, CustomerId]:
    chain, bob = await funded_on_ethereum(world)
    chain.capabilities = replace(ACCOUNTS, bumping=AT_ONCE)
    await settled(world, chain)
    await ask(world, bob, PAID, "bobs-own")
    return chain, bob


async def killed(world: World, dsns: Dsns, folder: Path, point: str) -> None:
    """As the network and the signer stand now. What the process did to its own copies of them is lost with it."""
    books = [network.book for network in world.networks.values()]
    assert await dies(world, dsns, folder, point, PROGRAM) == -signal.SIGKILL
    for network, book in zip(world.networks.values(), books, strict=True):
        network.book = book


@pytest.mark.parametrize(
    "point", [pytest.param(name, marks=() if name == SAMPLE else (pytest.mark.whole,)) for name in REPLACE_POINTS]
)
async def test_crs_01_killed_while_a_submission_is_replaced_it_is_paid_once(
    world: World, dsns: Dsns, tmp_path: Path, point: str
) -> None:
    chain, _ = await begun(world)
    await pay(world, chain)
    chain.fee_units *= 3
    await killed(world, dsns, tmp_path, point)
    await pay(world, chain)
    assert [row["state"] for row in await replacements(world)] == ["signed"]
    await pay(world, chain)
    await settled(world, chain)
    assert await state(world) == "final"
    assert [tx.id for tx in payments(chain)] == [(await submission(world))["mined"]]
    assert await exact(world)


@pytest.mark.whole
@pytest.mark.parametrize("point", SIGNING_POINTS)
async def test_crs_01_killed_while_a_nonce_is_used_up_the_money_is_back_once(
    world: World, dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    chain, bob = await begun(world)
    with monkeypatch.context() as patch:
        refuses_to_sign(world, patch)
        await pay(world, chain)
    assert (await submission(world))["state"] == "stopped"
    await killed(world, dsns, tmp_path, point)
    await pay(world, chain)
    await pay(world, chain)
    await settled(world, chain)
    assert ((await submission(world))["state"], await state(world)) == ("dead", "failed")
    assert len(await replacements(world)) == 1
    assert payments(chain) == []
    assert await available(world, bob, ETH) == "1.000000000000000000"
    assert await exact(world)
    assert chain.id == ETHEREUM
