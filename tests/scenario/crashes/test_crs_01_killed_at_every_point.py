"""CRS-01: the node dies by SIGKILL at every named point of every flow; after a restart everything has happened once.

A pair whose point is not passed fails, so the table in `flows` tells the truth. `make test` runs a fixed sample.
"""

import asyncio
import secrets
import signal
from decimal import Decimal
from typing import Any

import pytest

from tests.scenario.crashes.flows import FLOWS, Flow, Scene, units
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
    }
)
PAIRS = [(name, point) for name, flow in FLOWS.items() for point in flow.points]


def _pair(name: str, point: str) -> Any:
    marks = () if (name, point) in SAMPLE else (pytest.mark.whole,)
    return pytest.param(name, point, id=f"{name}-{point}", marks=marks)


def test_crs_01_covers_every_named_point() -> None:
    assert {point for _, point in PAIRS} == POINTS
    assert set(PAIRS) >= SAMPLE


@pytest.mark.parametrize(("name", "point"), [_pair(*pair) for pair in PAIRS])
async def test_crs_01_killed_at_a_point_everything_happens_once(scene: Scene, name: str, point: str) -> None:
    flow = FLOWS[name]
    await scene.renew_outside()
    before, theirs, outside = await scene.alice.available(), await scene.bob.available(), await scene.received(flow)
    await scene.node.stop()
    await scene.node.start(scene.http, crash_at=point)
    height = await scene.height()
    moving = asyncio.create_task(_move(scene, name, f"{name}-{point}-{secrets.token_hex(4)}"))
    try:
        await _dies(scene, flow, height)
        await scene.node.start(scene.http)
        answer = await _ends(scene, flow, moving)
    finally:
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)
    after = await scene.alice.available()
    assert after[flow.asset] - before[flow.asset] == _expected(name, answer)
    arrived = Decimal(flow.amount) if name == "payment" else 0
    assert (await scene.bob.available()).get(flow.asset, 0) - theirs.get(flow.asset, 0) == arrived
    if name != "payment":
        assert await scene.received(flow) - outside == _expected_outside(name)


async def _move(scene: Scene, name: str, key: str) -> Any:
    if not name.startswith("deposit"):
        return await scene.order(name, key)
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
    if name == "payment":
        return -amount
    assert Decimal(answer["amount"]) == amount
    return -amount - Decimal(answer["network_fee"])


def _expected_outside(name: str) -> int:
    """What the world has more: exactly one payment. Only the bank's own count goes down when somebody pays in."""
    flow = FLOWS[name]
    if name.startswith("withdraw"):
        return units(flow.asset, flow.amount)
    return -units(flow.asset, flow.amount) if flow.network == "sepa" else 0
