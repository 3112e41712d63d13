"""CRS-01: the node dies by SIGKILL at every named point of every flow; after a restart everything has happened once.
CRS-02: it dies again, at a point of what it was just making good, and ends as after one restart.

A pair whose point is not passed fails, so the table in `flows` tells the truth. `make test` runs a fixed sample.
"""

import asyncio
import contextlib
import secrets
import signal
from decimal import Decimal
from typing import Any

import pytest

from node.processes import ChildEnded
from tests.scenario.crashes.flows import FLOWS, Flow, Scene, units
from tests.scenario.crashes.test_crs_01_reorgs import REORG_POINTS
from tests.scenario.crashes.test_crs_01_replacements import REPLACE_POINTS
from wallet.points import POINTS

DIES_WITHIN_S = 60.0
SAMPLE = frozenset(
    {
        ("withdraw_ether", "withdrawal.after_sign"),
        ("withdraw_sepa", "withdrawal.after_submit"),
        ("withdraw_bitcoin", "withdrawal.after_submit"),
        ("withdraw_token", "withdrawal.after_store"),
        ("payment", "journal.before_commit"),
        ("deposit_bitcoin", "scan.before_cursor"),
        ("deposit_growth", "growth.before_pass"),
    }
)
SAMPLE_TWICE = frozenset({("withdraw_bitcoin", "withdrawal.after_reserve")})
PAIRS = [(name, point) for name, flow in FLOWS.items() for point in flow.points]
TWICE = [(name, point) for name, point in PAIRS if FLOWS[name].then(point)]


def _pair(name: str, point: str, sample: frozenset[tuple[str, str]] = SAMPLE) -> Any:
    marks = () if (name, point) in sample else (pytest.mark.whole,)
    return pytest.param(name, point, id=f"{name}-{point}", marks=marks)


def test_crs_01_covers_every_named_point() -> None:
    elsewhere = {*REORG_POINTS, *REPLACE_POINTS}
    assert {point.partition(":")[0] for _, point in PAIRS} | elsewhere == POINTS
    assert set(PAIRS) >= SAMPLE
    assert set(TWICE) >= SAMPLE_TWICE


@pytest.mark.parametrize(("name", "point"), [_pair(*pair) for pair in PAIRS])
async def test_crs_01_killed_at_a_point_everything_happens_once(scene: Scene, name: str, point: str) -> None:
    await _killed(scene, name, point)


@pytest.mark.parametrize(("name", "point"), [_pair(*pair, SAMPLE_TWICE) for pair in TWICE])
async def test_crs_02_killed_again_while_it_makes_that_good_everything_happens_once(
    scene: Scene, name: str, point: str
) -> None:
    await _killed(scene, name, point, FLOWS[name].then(point))


async def _killed(scene: Scene, name: str, *points: str | None) -> None:
    """At each of these points in turn, the later ones while what the earlier ones left is made good."""
    flow = FLOWS[name]
    await scene.renew_outside()
    before, outside = await _standing(scene, flow.asset), await scene.received(flow)
    await scene.node.stop()
    await scene.node.start(scene.http, crash_at=points[0])
    height = await scene.height()
    moving = asyncio.create_task(_move(scene, name, f"{name}-{secrets.token_hex(6)}"))
    try:
        await _dies(scene, flow, height)
        for point in points[1:]:
            await _starts_and_dies(scene, flow, point)
        await scene.node.start(scene.http)
        answer = await _ends(scene, flow, moving)
    finally:
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)
    alice, bob, ann = (now - then for now, then in zip(await _standing(scene, flow.asset), before, strict=True))
    assert ann == Decimal(flow.ann_gets)
    assert bob == (Decimal(flow.amount) if flow.inside and not ann else 0)
    assert alice == (-ann - bob if flow.inside else _expected(name, answer))
    if not flow.inside:
        assert await scene.received(flow) - outside == _expected_outside(name)


async def _standing(scene: Scene, asset: str) -> tuple[Decimal, Decimal, Decimal]:
    found = [(await client.available()).get(asset, Decimal(0)) for client in (scene.alice, scene.bob, scene.ann)]
    return found[0], found[1], found[2]


async def _starts_and_dies(scene: Scene, flow: Flow, point: str | None) -> None:
    """It may die before it says that it is ready: what it finds undone it does at once."""
    async with scene.blocks(flow.network):
        with contextlib.suppress(ChildEnded):
            await scene.node.start(scene.http, crash_at=point)
        assert await scene.node.died(DIES_WITHIN_S) == -signal.SIGKILL


async def _move(scene: Scene, name: str, key: str) -> Any:
    if not name.startswith("deposit"):
        return await scene.order(name, key)
    if name == "deposit_growth":
        await scene.grow(FLOWS[name].amount)
    else:
        await scene.pay_in(FLOWS[name].asset, FLOWS[name].amount)
    return None


async def _dies(scene: Scene, flow: Flow, height: int) -> None:
    """The fault fires: no other block comes before the one that has what the flow sent."""
    await scene.first_block(flow, height)
    async with scene.blocks(flow.network):
        assert await scene.node.died(DIES_WITHIN_S) == -signal.SIGKILL


async def _ends(scene: Scene, flow: Flow, moving: "asyncio.Task[Any]") -> Any:
    """Restarted, it answers the client's repeated request, and everything comes to its end; the books are exact."""
    async with scene.node.look() as books:
        await books.forget_leases()
        async with scene.blocks(flow.network):
            answer = await moving
            await books.settled(scene.deposits)
        await books.scanned_to_the_tip()
        await books.prove()
    return answer


def _expected(name: str, answer: Any) -> Decimal:
    """What the customer has more."""
    amount = Decimal(FLOWS[name].amount)
    if name.startswith("deposit"):
        return amount
    assert Decimal(answer["amount"]) == amount
    return -amount - Decimal(answer["network_fee"])


def _expected_outside(name: str) -> int:
    """What the world has more: exactly one payment. Only the bank's own count goes down when somebody pays in."""
    flow = FLOWS[name]
    if name.startswith("withdraw"):
        return units(flow.asset, flow.amount)
    return -units(flow.asset, flow.amount) if flow.network == "sepa" else 0
