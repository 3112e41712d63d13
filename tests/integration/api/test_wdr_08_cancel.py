"""Cancelling against sending, at every step, many at once, over two processes: money back or payment, never both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.databases import FreshDatabases
from tests.fakes.network import FakeNetwork
from tests.fakes.world import BITCOIN
from tests.integration.api.client import Reply, balance
from tests.integration.api.conftest import ApiNode, Person, running_api
from tests.integration.wallet.changes import proven
from wallet.errors import Stale
from wallet.ports import NetworkError, SignerUnavailable
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.states import State

AT_ONCE = 32
_RACES = 6
BEFORE = {"posted": "0.50000000", "held": "0.00000000", "available": "0.50000000"}
AFTER = {"posted": "0.39999000", "held": "0.00000000", "available": "0.39999000"}


@pytest.fixture(scope="module")
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


async def ask(alice: Person, target: str) -> str:
    sent = {"network": "bitcoin", "asset": "BTC", "amount": "0.1", "destination": {"address": target}}
    made = await alice.client.post("/v1/withdrawals", sent, key=target)
    assert made.status == 201, made.raw
    return made.headers["Location"]


async def cancels(api_node: ApiNode, alice: Person, path: str) -> list[Reply]:
    """All at once, each under a key of its own, half of them at the other process."""
    doors = (alice.client, api_node.other_instance.as_(alice.client.secret))
    return await asyncio.gather(
        *[doors[number % 2].post(f"{path}/cancel", key=f"{path}-{number}") for number in range(AT_ONCE)]
    )


async def step(api_node: ApiNode) -> None:
    """What a worker does in one round; another may be faster, and the world may be away."""
    network = api_node.world.networks[BITCOIN]
    try:
        await drive_submissions(api_node.world.context, network)
        await pay_withdrawals(api_node.world.context, network)
    except (NetworkError, SignerUnavailable, Stale):
        return


async def to_approved(api_node: ApiNode, network: FakeNetwork) -> None:
    api_node.world.signer.locked = True
    await step(api_node)
    assert network.pool == {}


async def to_signed(api_node: ApiNode, network: FakeNetwork) -> None:
    network.rejecting = "a test wished"
    await step(api_node)
    assert network.pool == {}


async def to_submitted(api_node: ApiNode, network: FakeNetwork) -> None:
    await step(api_node)
    assert network.pool


async def to_included(api_node: ApiNode, network: FakeNetwork) -> None:
    await step(api_node)
    network.mine()
    await step(api_node)


async def to_final(api_node: ApiNode, network: FakeNetwork) -> None:
    await step(api_node)
    network.mine(network.depth)
    await step(api_node)


STEPS: dict[State, Callable[[ApiNode, FakeNetwork], Awaitable[None]]] = {
    State.APPROVED: to_approved,
    State.SIGNED: to_signed,
    State.SUBMITTED: to_submitted,
    State.INCLUDED: to_included,
    State.FINAL: to_final,
}


async def finish(api_node: ApiNode, network: FakeNetwork) -> None:
    api_node.world.signer.locked, network.rejecting = False, None
    for _ in range(3):
        await step(api_node)
        network.mine(network.depth)
    await step(api_node)


@pytest.mark.parametrize("state", list(STEPS))
async def test_wdr_08_from_reserved_on_nothing_is_cancelled_and_the_payment_is_made(
    api_node: ApiNode, state: State
) -> None:
    alice, network = await api_node.person(BTC="0.5"), api_node.world.networks[BITCOIN]
    target = f"wdr-08-{state}"
    path = await ask(alice, target)
    await STEPS[state](api_node, network)
    assert (await alice.client.get(path)).body["status"] == state
    replies = await cancels(api_node, alice, path)
    assert {(reply.status, reply.code) for reply in replies} == {(409, "not_cancellable")}
    await finish(api_node, network)
    assert (await alice.client.get(path)).body["status"] == "final"
    assert network.received(target) == {"BTC": 10_000_000}
    assert await balance(alice.client, "BTC") == AFTER


async def test_wdr_08_before_that_exactly_one_of_many_cancels_gives_the_money_back(api_node: ApiNode) -> None:
    alice, network = await api_node.person(BTC="0.5"), api_node.world.networks[BITCOIN]
    path = await ask(alice, "wdr-08-requested")
    replies = await cancels(api_node, alice, path)
    assert sorted(reply.status for reply in replies) == [200] + [409] * (AT_ONCE - 1)
    assert await balance(alice.client, "BTC") == BEFORE
    await finish(api_node, network)
    assert network.received("wdr-08-requested") == {}
    assert await balance(alice.client, "BTC") == BEFORE


async def test_wdr_08_cancels_that_race_the_worker_give_the_money_back_or_are_too_late(api_node: ApiNode) -> None:
    """Whoever wins: what its owner was told is what happened."""
    network = api_node.world.networks[BITCOIN]
    for race in range(_RACES):
        alice, target = await api_node.person(BTC="0.5"), f"wdr-08-race-{race}"
        path = await ask(alice, target)
        working = asyncio.gather(*[step(api_node) for _ in range(2)])
        replies = await cancels(api_node, alice, path)
        await working
        given = [reply.status for reply in replies].count(200)
        await finish(api_node, network)
        state = (await alice.client.get(path)).body["status"]
        paid = network.received(target)
        assert (given, state, paid) in [(1, "cancelled", {}), (0, "final", {"BTC": 10_000_000})]
        assert await balance(alice.client, "BTC") == (BEFORE if given else AFTER)
    await proven(api_node.dsns.owner)
