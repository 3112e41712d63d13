"""Lives in a row: the node starts, works, crashes or stops, starts again; at last everything is calm and must come out even."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from node.database import Dsns
from node.migrations.apply import prepare_partitions
from tests.fakes.network import ACCOUNTS, BANK, COINS
from tests.fakes.signer import FakeSigner
from tests.fakes.world import ASSETS, BITCOIN, BTC, DUSD, ETH, ETHEREUM, EUR, SEPA
from tests.simulation.invariants import Broken, check_always, check_quiet
from tests.simulation.life import Town, calm, composed, customer, insist, pay_in, weather, workers
from tests.simulation.unreliable import UnreliableNetwork
from tests.simulation.virtual_time import BEGINNING, SimulatedLoop
from wallet.addresses.assign import assign_address, assign_house_address
from wallet.context import ACTOR_NODE, Context
from wallet.customers.create import create_customer
from wallet.ids import CustomerId, NetworkId
from wallet.ledger.reconcile import positions
from wallet.money import Amount
from wallet.networks.open import list_asset, open_network
from wallet.proofs.verify import verify

LIFE_S = (12.0, 20.0)  # virtual seconds: as a rule enough for all of the weather once
CALM_ROUNDS_MAX = 60
FIRST_PAYMENTS = 6  # to somebody on each network, so that there is money to move from the first life on
LOOKS = 3  # moments of a life at which the invariants are checked


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    lives: int = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """`head` seals the whole journal: two runs with the same head did the same."""

    seed: int
    head: str
    changes: int
    virtual_s: float
    crashes: int
    orders: int
    repeated: int
    deposits: int
    faults: dict[str, int]


class Simulation:
    """One seed on one empty database."""

    def __init__(self, plan: Plan, dsns: Dsns, folder: Path) -> None:
        self._plan, self._dsns = plan, dsns
        self._chance = random.Random(plan.seed)
        self._now, self._crashes = 0.0, 0
        faults: dict[str, int] = {}
        self._town = Town(_networks(faults), FakeSigner(), folder, faults)

    def run(self) -> Outcome:
        """Raises `Broken`, or whatever the node raised that it must not."""
        elsewhere(lambda: room_made(self._dsns))
        self._live(self._founded)
        for _ in range(self._plan.lives):
            self._live(self._busy)
        self._live(self._calm)
        changes, head = self._look(self._proven)
        town = self._town
        return Outcome(
            *(self._plan.seed, head, changes, round(self._now, 1), self._crashes),
            *(town.orders, town.repeated, town.paid_in, dict(sorted(town.faults.items()))),
        )

    # ── lives ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _live(self, what: Callable[[SimulatedLoop], Coroutine[Any, Any, None]]) -> None:
        self._now = live(self._chance, self._now, what)

    async def _founded(self, loop: SimulatedLoop) -> None:
        """Assets, networks, customers, and operators' money for gas and for the first withdrawals."""
        town = self._town
        async with composed(town, self._dsns, loop) as context:
            for asset in ASSETS.values():
                await list_asset(context, asset)
            for network in town.networks.values():
                await open_network(context, network, "fake", "")
                house = str((await assign_house_address(context, network.id))["address"])
                for asset in network.assets:
                    network.pay_in(house, Amount(10**7 * 10 ** (network.assets[0].decimals // 3), asset))
                network.mine(network.depth)
            for handle in ("ann", "ben", "cem"):
                made = await create_customer(context, ACTOR_NODE, handle, handle.title(), None)
                town.people.append(CustomerId(str(made.result["id"])))
            for owner in town.people:
                for name in town.networks:
                    town.addresses[owner, name] = str(
                        (await assign_address(context, ACTOR_NODE, owner, name))["address"]
                    )
            for network in town.networks.values():
                for _ in range(FIRST_PAYMENTS):
                    pay_in(town, network, self._chance)

    async def _busy(self, loop: SimulatedLoop) -> None:
        """Everybody acts at once; then the process crashes in the middle of it, or stops in order."""
        chance, town = self._chance, self._town
        length, crashes = chance.uniform(*LIFE_S), self._crashes == 0 or chance.random() < 0.6
        async with composed(town, self._dsns, loop) as context:
            acts = workers(context, town, chance)
            acts += [customer(context, town, owner, chance) for owner in town.people for _ in range(2)]
            acts.append(weather(town, loop))
            tasks = [loop.create_task(act) for act in acts]
            await self._watched(tasks, length)
            if crashes:
                loop.cut()
                self._crashes += 1
            await ended(tasks)

    async def _watched(self, tasks: list[asyncio.Task[None]], length: float) -> None:
        for _ in range(LOOKS):
            done, _ = await asyncio.wait(tasks, timeout=length / LOOKS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:  # acts never end: one that did has failed
                task.result()
            self._look(check_always)

    async def _calm(self, loop: SimulatedLoop) -> None:
        """No more faults and no more wishes: what is open comes to its end."""
        town = self._town
        async with composed(town, self._dsns, loop) as context:
            tasks = [loop.create_task(act) for act in workers(context, town, self._chance)]
            for network in town.networks.values():
                calm(network)
            for _ in range(CALM_ROUNDS_MAX):
                for order in list(town.open_orders.values()):
                    await insist(context, town, order)
                for network in town.networks.values():
                    network.mine()
                await asyncio.sleep(3)
                if await self._is_quiet(context):
                    break
            await ended(tasks)
            self._look(check_always)
            self._look(check_quiet)
            for position in await positions(context):
                if position.difference:
                    raise Broken(f"I2: {position}")

    async def _is_quiet(self, context: Context) -> bool:
        try:
            self._look(check_quiet)
        except Broken:
            return False
        return all(each.difference == 0 for each in await positions(context))

    # ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, check: Callable[[asyncpg.Connection, Town], Awaitable[Any]]) -> Any:
        """On a loop and a thread of its own, in real time: the simulation stands still and knows nothing of it."""

        return looked(self._dsns, partial(_of_town, check, self._town))

    async def _proven(self, reader: asyncpg.Connection, _town: Town) -> tuple[int, str]:
        proof = await verify(reader)
        return proof.seq, proof.head


class Dead(BaseException):
    """The end of a life at a point: no `except Exception` outlives it."""


async def room_made(dsns: Dsns) -> None:
    """Partitions for the days of virtual time."""
    owner = await asyncpg.connect(dsns.owner)
    try:
        await prepare_partitions(owner, BEGINNING)
    finally:
        await owner.close()


def live(chance: random.Random, now: float, what: Callable[[SimulatedLoop], Coroutine[Any, Any, None]]) -> float:
    """A loop is a process: when it is cut, nothing of it reaches the database any more. Returns when the next one begins."""
    loop = SimulatedLoop(chance, now)
    try:
        loop.run_until_complete(what(loop))
        return loop.time() + 1
    finally:
        loop.cut()
        loop.run_until_complete(ended(list(asyncio.all_tasks(loop))))
        loop.close()


async def ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def elsewhere(look: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(look())).result()


def looked(dsns: Dsns, check: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """What is in the books, read beside the node."""

    async def look() -> Any:
        reader = await asyncpg.connect(dsns.books)
        try:
            return await check(reader)
        finally:
            await reader.close()

    return elsewhere(look)


async def _of_town(
    check: Callable[[asyncpg.Connection, Town], Awaitable[Any]], town: Town, reader: asyncpg.Connection
) -> Any:
    return await check(reader, town)


def _networks(faults: dict[str, int]) -> dict[NetworkId, UnreliableNetwork]:
    made = (
        UnreliableNetwork(ETHEREUM, (ETH, DUSD), NOBODY, ACCOUNTS, depth=4, faults=faults),
        UnreliableNetwork(BITCOIN, (BTC,), NOBODY, COINS, depth=4, faults=faults),
        UnreliableNetwork(SEPA, (EUR,), NOBODY, BANK, depth=1, faults=faults),
    )
    return {network.id: network for network in made}


class _Nobody:
    """The address book before the first life: nothing was handed out."""

    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        return frozenset()


NOBODY = _Nobody()
