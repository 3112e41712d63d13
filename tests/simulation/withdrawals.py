"""Withdrawals by the thousand, each with a crash: none paid twice, none lost, none stuck once the faults have stopped.

    customers      withdraw to addresses that nobody used before, cancel some, and ask again whatever they got no answer to
    networks       an account chain, one of coins, a bank; they lose answers, fall silent, deny what they took, refuse, lag,
                   and reorg what is not final
    the node       the real requests, treasury and Journal. For each withdrawal it dies once at one of the named points of its
                   way, and all that it meant to do is gone; of ten deaths one is the whole process', at a random moment

In the end, with no more faults, each withdrawal has ended; what the networks paid to its address is what its state says.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import asyncpg

from node.compose import make_engine, make_reading_engine
from node.database import Dsns
from node.workers.follow_network import follow_network
from node.workers.pay_withdrawals import pay_and_follow
from tests.fakes.network import ACCOUNTS, BANK, COINS
from tests.fakes.signer import FakeSigner
from tests.fakes.world import ASSETS, BITCOIN, BTC, DUSD, ETH, ETHEREUM, EUR, SEPA
from tests.simulation.invariants import Broken, check_sums
from tests.simulation.life import WAITS, Order, Town, calm, insist
from tests.simulation.payouts import PayoutNetwork
from tests.simulation.run import NOBODY, Dead, elsewhere, ended, live, looked, room_made
from tests.simulation.virtual_time import SeededIds, SimulatedLoop, VirtualClock
from wallet.addresses.assign import assign_address, assign_house_address
from wallet.addresses.book import StoredAddressBook
from wallet.context import ACTOR_NODE, Context
from wallet.customers.create import create_customer
from wallet.errors import JournalUnavailable
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Journal
from wallet.ledger.reconcile import positions
from wallet.money import Amount, Asset
from wallet.networks.open import list_asset, open_network
from wallet.points import watch_points
from wallet.proofs.verify import verify
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import Vault

DEPTH = 4
TOGETHER_MAX = 10  # withdrawals in one tx of the chain of coins
CUSTOMERS = 6
STOCK = 10**9  # of each asset's smallest useful amount, for the house and for each customer
DEATHS_A_PROCESS = 10  # the last of them is the whole process'
POINTS_MAX = 14  # that a short life passes at the most
POINTS_LONG_MAX = 120  # and a long one, or nothing would ever be followed to its end
ROUNDS_MAX = 4  # of its loops, for a life that has points left
CANCELS = 0.1
CALM_MAX = 400  # blocks until everything must have come to its end

_FAULTS = ("lose", "silent", "deny", "reject", "lag")
_WEATHER = ("mine", "mine", "mine", "mine", "reorg", "fees", "fair", "fair", *_FAULTS)
_HELD = "SELECT count(*) FROM accounts WHERE debits_pending <> 0 OR credits_pending <> 0"
_OPEN = "SELECT count(*) FROM withdrawals WHERE state <> ALL ($1)"
_ROWS = "SELECT id, network, asset, units, state, client_reference FROM withdrawals"
_NOT_PAID = ("failed", "cancelled", "rejected")


@dataclass(frozen=True, slots=True)
class WithdrawalPlan:
    seed: int
    withdrawals: int


@dataclass(frozen=True, slots=True)
class WithdrawalOutcome:
    """`twice` were paid more than once, `lost` are final and were not paid, or given back and paid; `stuck` never ended."""

    seed: int
    withdrawals: int
    twice: int
    lost: int
    stuck: int
    crashes: int
    cancelled: int
    rejected: int
    failed: int
    reorgs: int
    repeated: int
    changes: int
    virtual_s: float
    faults: dict[str, int]


class WithdrawalSimulation:
    """One seed on one empty database. `say` is told how far it is."""

    def __init__(
        self, plan: WithdrawalPlan, dsns: Dsns, folder: Path, say: Callable[[str], None] = lambda _line: None
    ) -> None:
        self._plan, self._dsns, self._say = plan, dsns, say
        self._chance = random.Random(plan.seed)
        self._faults: dict[str, int] = {}
        self._networks = _networks(self._faults)
        self._town = Town(dict(self._networks), FakeSigner(), folder, self._faults)
        self._asked = self._crashes = 0
        self._now = 0.0

    def run(self) -> WithdrawalOutcome:
        """Raises `Broken`, or whatever the node raised that it must not."""
        elsewhere(lambda: room_made(self._dsns))
        self._live(self._founded)
        while self._asked < self._plan.withdrawals or self._crashes < self._plan.withdrawals:
            self._live(self._process)
            self._look(self._check_always)
            self._say(f"{self._asked} withdrawals, {self._crashes} crashes")
        self._live(self._calm)
        self._look(self._check_always)
        return self._outcome(self._look(self._told_by_books))

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _weather(self) -> None:
        """A block here and there, now and then a reorg; and one fault of a network instead of its last one, or none."""
        network = self._chance.choice(list(self._networks.values()))
        event = self._chance.choice(_WEATHER)
        if event in ("fair", *_FAULTS):
            calm(network)
        if event in _FAULTS:
            network.count(event)
        match event:
            case "reorg" if network.depth > 1:
                network.count("reorg")
                network.reorg(self._chance.randint(1, network.depth - 1), forget=self._chance.random() < 0.3)
            case "fees" if network.fee_units:
                network.count("fees")
                network.fee_units = self._chance.randint(500, 4_000)
            case "lose":
                network.lose_answers = self._chance.randint(1, 3)
            case "silent":
                network.silent = True
            case "deny":
                network.denying = True
            case "reject":
                network.rejecting = "the network says no"
            case "lag":
                network.lag = self._chance.randint(1, 3)
            case _:
                network.mine()

    def _wish(self) -> Order:
        owner, network = self._chance.choice(self._town.people), self._chance.choice(list(self._networks.values()))
        self._asked += 1
        amount = Amount(
            self._chance.randint(1, 400) * 10 ** (network.assets[0].decimals // 3), self._chance.choice(network.assets)
        )
        return Order(f"order-{self._asked}", "withdraw", owner, f"out-{self._asked}", amount, network.id)

    async def _second_thoughts(self, context: Context) -> None:
        """Somebody cancels one of the newest."""
        made = [answer for _, answer in list(self._town.answers.values())[-5:] if not isinstance(answer, str)]
        if made:
            chosen = self._chance.choice(made)
            key, owner = f"cancel-{self._asked}-{self._crashes}", CustomerId(str(chosen["customer"]))
            await insist(context, self._town, Order(key, "cancel", owner, str(chosen["id"]), Amount(1, ETH), ETHEREUM))

    # ── the node ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _live(self, what: Callable[[SimulatedLoop], Coroutine[Any, Any, None]]) -> None:
        self._now = live(self._chance, self._now, what)

    async def _process(self, loop: SimulatedLoop) -> None:
        """Its parts die one by one, then all of it. What dies within the Journal takes the Journal's lines with it."""
        for death in range(DEATHS_A_PROCESS):
            async with _Lines(self._dsns, loop) as lines:
                context = lines.woken(self._town)
                if death == DEATHS_A_PROCESS - 1:
                    await self._cut_off(loop, context)
                else:
                    await self._dead_at_a_point(context)
            self._crashes += 1

    async def _dead_at_a_point(self, context: Context) -> None:
        left = self._chance.randint(1, POINTS_MAX if self._chance.random() < 0.5 else POINTS_LONG_MAX)

        def passed(_name: str) -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                raise Dead

        watch_points(passed)
        try:
            await self._work(context)
            for _ in range(ROUNDS_MAX):
                context.journal.check()  # where it died within the Journal, it does nothing more
                self._weather()
                await self._steps(context)
        except (Dead, JournalUnavailable):
            pass
        finally:
            watch_points(None)
        self._faults["dead at a point"] = self._faults.get("dead at a point", 0) + (left <= 0)

    async def _cut_off(self, loop: SimulatedLoop, context: Context) -> None:
        """The end in the middle of whatever it does."""
        task = loop.create_task(self._work(context))
        done, _ = await asyncio.wait([task], timeout=self._chance.uniform(0.005, 0.3))
        loop.cut()
        self._faults["cut off"] = self._faults.get("cut off", 0) + 1
        await ended([task])
        for each in done:
            each.result()

    async def _work(self, context: Context) -> None:
        """Somebody asks, somebody asks again, and the node does a step of each of its loops."""
        for order in list(self._town.open_orders.values())[:3]:
            await insist(context, self._town, order)
        await insist(context, self._town, self._wish())
        if self._chance.random() < CANCELS:
            await self._second_thoughts(context)
        self._weather()
        await self._steps(context)

    async def _steps(self, context: Context) -> None:
        for network in self._networks.values():
            for step in (partial(follow_network, context, network), partial(pay_and_follow, context, network)):
                try:
                    await step()
                except WAITS:
                    continue
        await asyncio.sleep(self._chance.uniform(0.3, 2.0))

    async def _founded(self, loop: SimulatedLoop) -> None:
        async with _Lines(self._dsns, loop) as lines:
            context = lines.woken(self._town)
            for asset in ASSETS.values():
                await list_asset(context, asset)
            for name, network in self._networks.items():
                await open_network(context, network, "fake", "")
                house = str((await assign_house_address(context, name))["address"])
                for asset in network.assets:
                    network.pay_in(house, _stock(network, asset))
            for number in range(CUSTOMERS):
                made = await create_customer(context, ACTOR_NODE, f"customer_{number}", "Somebody", None)
                await self._endowed(context, CustomerId(str(made.result["id"])))
            for _ in range(3 * DEPTH):
                for network in self._networks.values():
                    network.mine()
                    await follow_network(context, network)

    async def _endowed(self, context: Context, owner: CustomerId) -> None:
        self._town.people.append(owner)
        for name, network in self._networks.items():
            address = str((await assign_address(context, ACTOR_NODE, owner, name))["address"])
            for asset in network.assets:
                network.pay_in(address, _stock(network, asset))

    async def _calm(self, loop: SimulatedLoop) -> None:
        async with _Lines(self._dsns, loop) as lines:
            context = lines.woken(self._town)
            for network in self._networks.values():
                calm(network)
            for _ in range(CALM_MAX):
                for order in list(self._town.open_orders.values()):
                    await insist(context, self._town, order)
                for network in self._networks.values():
                    network.mine()
                await self._steps(context)
                if not self._town.open_orders and self._look(self._is_quiet):
                    break
            for position in await positions(context):
                if position.difference:
                    raise Broken(f"I2: {position}")

    # ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, check: Callable[[asyncpg.Connection], Coroutine[Any, Any, Any]]) -> Any:
        return looked(self._dsns, check)

    async def _check_always(self, reader: asyncpg.Connection) -> None:
        await check_sums(reader)
        for network in self._networks.values():
            twice = [address for address, times in network.paid.items() if times > 1 and address.startswith("out-")]
            if twice:
                raise Broken(f"I5: {network.id} paid {twice[:3]} more than once")

    async def _is_quiet(self, reader: asyncpg.Connection) -> bool:
        open_ones: int = await reader.fetchval(_OPEN, [*_NOT_PAID, "final", "returned"])
        held: int = await reader.fetchval(_HELD)
        return open_ones == held == 0

    async def _told_by_books(self, reader: asyncpg.Connection) -> Mapping[str, Any]:
        """Which withdrawal went where is known from the requests: each had an address of its own."""
        targets = {
            str(answer["id"]): order.target
            for order, answer in self._town.answers.values()
            if order.kind == "withdraw" and not isinstance(answer, str)
        }
        states: Counter[str] = Counter()
        lost = twice = stuck = 0
        for row in await reader.fetch(_ROWS):
            network = self._networks[NetworkId(row["network"])]
            target, state = targets[row["id"]], row["state"]
            got, times = network.units[target, row["asset"]], network.paid[target]
            states[state] += 1
            twice += times > 1
            stuck += state not in (*_NOT_PAID, "final", "returned")
            lost += state == "final" and got != int(row["units"])
            lost += state in _NOT_PAID and got != 0
        proof = await verify(reader)
        return {"states": states, "lost": lost, "twice": twice, "stuck": stuck, "changes": proof.seq}

    def _outcome(self, told: Mapping[str, Any]) -> WithdrawalOutcome:
        states: Counter[str] = told["states"]
        return WithdrawalOutcome(
            seed=self._plan.seed,
            withdrawals=states.total(),
            twice=told["twice"],
            lost=told["lost"],
            stuck=told["stuck"],
            crashes=self._crashes,
            cancelled=states["cancelled"],
            rejected=states["rejected"],
            failed=states["failed"],
            reorgs=self._faults.get("reorg", 0),
            repeated=self._town.repeated,
            changes=told["changes"],
            virtual_s=round(self._now, 1),
            faults=dict(sorted(self._faults.items())),
        )


class _Lines:
    """To the database; they outlive the node's memory, and not its process."""

    def __init__(self, dsns: Dsns, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._reads, self._ops = make_reading_engine(dsns.books), make_engine(dsns.ops)
        self._journal = Journal(dsns.books, VirtualClock(loop))

    async def __aenter__(self) -> Self:
        await self._journal.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._journal.stop()
        await self._reads.dispose()
        await self._ops.dispose()

    def woken(self, town: Town) -> Context:
        """A node with nothing in its memory."""
        for network in town.networks.values():
            network.book = StoredAddressBook(self._reads)
        clock, ids, vault = (
            VirtualClock(self._loop),
            SeededIds(self._loop),
            Vault(PersonKeys(town.folder / "vault", draw=self._loop.chance.randbytes)),
        )
        parts = (self._journal, self._reads, self._ops, ASSETS, dict(town.networks), town.signer, vault, clock, ids)
        return Context(*parts, new_salt=self._loop.chance.randbytes)


def _networks(faults: dict[str, int]) -> dict[NetworkId, PayoutNetwork]:
    made = (
        PayoutNetwork(ETHEREUM, (ETH, DUSD), NOBODY, ACCOUNTS, depth=DEPTH, faults=faults),
        PayoutNetwork(BITCOIN, (BTC,), NOBODY, replace(COINS, batch_max=TOGETHER_MAX), depth=DEPTH, faults=faults),
        PayoutNetwork(SEPA, (EUR,), NOBODY, BANK, depth=1, faults=faults),
    )
    return {network.id: network for network in made}


def _stock(network: PayoutNetwork, asset: Asset) -> Amount:
    return Amount(STOCK * 10 ** (network.assets[0].decimals // 3), asset)
