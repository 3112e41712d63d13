"""Deposits by the thousand on a chain that knows what truly arrived, behind providers that lie: none missed, none double.

    the chain      new blocks with some ten deposits each; reorgs, most of them shallow, some below what was final and was
                   credited; the last one when all has been credited
    providers      three, of which two must agree; each lags, breaks off, falls silent, and lies in 1 % of its answers
    the node       the real scan, quorum, credit and Journal. Once for every ten deposits it dies at one of the named points
                   of its way, and all that it had read and meant to do is gone; of ten deaths one is the whole process',
                   at a random moment: its lines to the database are cut in the middle of what it says
    customers      pay each other, so that what a reorg takes away is partly spent
    an operator    lets a halted network go on

In the end, with nothing lying any more, what is credited is what stands in the chain: arrival by arrival, and unit by unit.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from chains.quorum.quorum import Quorum
from node.compose import make_engine, make_reading_engine
from node.database import Dsns
from node.workers.follow_network import follow_network
from tests.fakes.network import Tx
from tests.fakes.signer import FakeSigner
from tests.fakes.world import ASSETS, DUSD, ETH, ETHEREUM
from tests.simulation.invariants import Broken, check_sums
from tests.simulation.lying import LyingProvider
from tests.simulation.model_chain import ModelChain
from tests.simulation.run import Dead, elsewhere, ended, live, looked, room_made
from tests.simulation.virtual_time import SeededIds, SimulatedLoop, VirtualClock
from wallet.addresses.assign import assign_address, assign_house_address
from wallet.context import ACTOR_NODE, Context
from wallet.customers.create import create_customer
from wallet.errors import JournalUnavailable, OutcomeUnknown, Refusal, Stale
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Journal, Request
from wallet.ledger.reconcile import positions
from wallet.money import Amount
from wallet.networks.halt import is_halted, resume_network
from wallet.networks.open import list_asset, open_network
from wallet.payments.send import send_payment
from wallet.points import watch_points
from wallet.ports import NetworkError
from wallet.proofs.verify import verify
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import Vault

FINAL_DEPTH = 6
DEPOSITS_A_BLOCK = 10  # and so many deposits to one crash
CUSTOMERS = 12
SHALLOW, DEEP = 0.06, 0.005  # how often a reorg comes, above what was final and below what was credited; per block
BELOW_CREDITED_MAX = 3  # blocks that a deep one takes of those with credited deposits
DEATHS_A_PROCESS = 10  # the last of them is the whole process'
POINTS_MAX = 16  # that a short life passes at the most
POINTS_LONG_MAX = 1_000  # and a long one, or the node would fall behind the chain for ever
STEPS_MAX = 3  # of one life
CALM_MAX = 400  # steps until everything must have come to its end

_HIGHEST_CREDITED = "SELECT max(height) FROM deposits WHERE state = 'credited'"
_CREDITED = "SELECT identity, address, asset, units, state FROM deposits"
_CREDITS = """
SELECT account, asset, sum(units) AS units FROM (
    SELECT credit_account AS account, asset, units FROM transfers WHERE debit_account LIKE 'house:%' AND move = 'post'
    UNION ALL
    SELECT debit_account, asset, -units FROM transfers WHERE credit_account LIKE 'house:%' AND move = 'post'
) moved WHERE account LIKE 'cus_%' GROUP BY account, asset
"""


@dataclass(frozen=True, slots=True)
class DepositPlan:
    seed: int
    deposits: int


@dataclass(frozen=True, slots=True)
class DepositOutcome:
    """`deposits` were paid; `missed` stand in the chain and are not credited, `double` are credited more than once."""

    seed: int
    deposits: int
    missed: int
    double: int
    crashes: int
    blocks: int
    reorgs: int
    deepest_reorg: int
    lost_in_reorgs: int
    taken_back: int
    found_again: int
    halts: int
    answers: int
    lies: int
    changes: int
    virtual_s: float
    told: dict[str, int]


@dataclass(slots=True)
class _Lines:
    """To the database; they outlive the node's memory, and not its process."""

    reads: AsyncEngine
    ops: AsyncEngine

    async def close(self) -> None:
        await self.reads.dispose()
        await self.ops.dispose()


class DepositSimulation:
    """One seed on one empty database. `say` is told how far it is."""

    def __init__(
        self, plan: DepositPlan, dsns: Dsns, folder: Path, say: Callable[[str], None] = lambda _line: None
    ) -> None:
        self._plan, self._dsns, self._folder, self._say = plan, dsns, folder, say
        self._chance = random.Random(plan.seed)
        self._chain = ModelChain("ethereum", random.Random(plan.seed + 1))
        self._told: Counter[str] = Counter()
        self._people: list[tuple[CustomerId, str]] = []
        self._paid = self._crashes = self._halts = 0
        self._credited: int | None = None
        self._now, self._honest = 0.0, False
        self._signer = FakeSigner()

    def run(self) -> DepositOutcome:
        """Raises `Broken`, or whatever the node raised that it must not."""
        elsewhere(lambda: room_made(self._dsns))
        self._live(self._founded)
        while self._paid < self._plan.deposits or self._crashes * DEPOSITS_A_BLOCK < self._plan.deposits:
            self._live(self._process)
            self._look(self._check_always)
            self._say(f"{self._paid} deposits, {self._crashes} crashes, block {self._chain.height}")
        self._honest = True
        self._live(self._calm)
        self._look(self._check_always)
        self._take_back()
        self._live(self._calm)
        return self._outcome(self._look(self._told_by_books))

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self) -> None:
        """A block, and now and then a reorg."""
        chance, chain = self._chance, self._chain
        if chance.random() < DEEP:
            self._take_back()
        elif chance.random() < SHALLOW:
            chain.reorg(chance.randint(1, FINAL_DEPTH - 2))
        room = max(self._plan.deposits - self._paid, 0)
        new = [self._payment() for _ in range(min(chance.randint(0, 2 * DEPOSITS_A_BLOCK), room))]
        late, chain.waiting = chain.waiting, []
        chain.mine([*late, *new])
        self._paid += len(new)

    def _take_back(self) -> None:
        """A reorg below what was final that reaches what was credited; just below what was final where nothing was."""
        least = FINAL_DEPTH if self._credited is None else self._chain.height - self._credited
        self._chain.reorg(max(least, FINAL_DEPTH) + self._chance.randint(1, BELOW_CREDITED_MAX))

    def _payment(self) -> Tx:
        _, address = self._chance.choice(self._people)
        asset = self._chance.choice([ETH, DUSD])
        return Tx(f"{self._chance.getrandbits(256):064x}", ((address, Amount(self._chance.randint(1, 10**6), asset)),))

    # ── the node ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _live(self, what: Callable[[SimulatedLoop], Coroutine[Any, Any, None]]) -> None:
        self._now = live(self._chance, self._now, what)

    def _lines(self) -> _Lines:
        return _Lines(make_reading_engine(self._dsns.books), make_engine(self._dsns.ops))

    async def _begun(self, loop: SimulatedLoop, lines: _Lines) -> Context:
        journal = Journal(self._dsns.books, VirtualClock(loop))
        await journal.start()
        return self._woken(loop, lines, journal)

    def _woken(self, loop: SimulatedLoop, lines: _Lines, journal: Journal) -> Context:
        """A node with nothing in its memory."""
        clock, ids = VirtualClock(loop), SeededIds(loop)
        book = _Addresses(frozenset(each for _, each in self._people))
        providers = {
            name: LyingProvider(
                *(ETHEREUM, (ETH, DUSD), book),
                depth=FINAL_DEPTH,
                chain=self._chain,
                chance=self._chance,
                told=self._told,
                honest=self._honest,
                name=name,
            )
            for name in ("a", "b", "c")
        }
        networks, vault = (
            {ETHEREUM: Quorum(providers, 2)},
            Vault(PersonKeys(self._folder / "vault", draw=loop.chance.randbytes)),
        )
        salts = loop.chance.randbytes
        parts = (journal, lines.reads, lines.ops, ASSETS, networks, self._signer, vault, clock, ids)
        return Context(*parts, new_salt=salts)

    async def _founded(self, loop: SimulatedLoop) -> None:
        lines, self._honest = self._lines(), True
        context = await self._begun(loop, lines)
        for asset in ASSETS.values():
            await list_asset(context, asset)
        await open_network(context, context.networks[ETHEREUM], "fake", "")
        await assign_house_address(context, ETHEREUM)
        for number in range(CUSTOMERS):
            made = await create_customer(context, ACTOR_NODE, f"customer_{number}", None, None)
            owner = CustomerId(str(made.result["id"]))
            given = await assign_address(context, ACTOR_NODE, owner, ETHEREUM)
            self._people.append((owner, str(given["address"])))
        await context.journal.stop()
        await lines.close()
        self._honest = False

    async def _process(self, loop: SimulatedLoop) -> None:
        """Its parts die one by one, then all of it. What dies within the Journal takes the Journal's line with it, so each life
        has one of its own: a Journal that is dead would let all that follow do nothing."""
        lines = self._lines()
        try:
            for death in range(DEATHS_A_PROCESS):
                journal = Journal(self._dsns.books, VirtualClock(loop))
                await journal.start()
                context = self._woken(loop, lines, journal)
                last = death == DEATHS_A_PROCESS - 1
                try:
                    await (self._cut_off(loop, context) if last else self._dead_at_a_point(context))
                finally:  # nothing of it reaches the database any more: only what this test itself holds is let go
                    await journal.stop()
                self._crashes += 1
        finally:
            await lines.close()

    async def _dead_at_a_point(self, context: Context) -> None:
        """It passes so many points, and nothing that it holds in its hands is done. With none left it dies idle."""
        left = self._chance.randint(1, POINTS_MAX if self._chance.random() < 0.5 else POINTS_LONG_MAX)

        def passed(_name: str) -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                raise Dead

        self._turn()
        if self._chance.random() < 0.3:
            await self._operator(context)
        if self._chance.random() < 0.3:
            await self._customer(context)
        watch_points(passed)
        try:
            await self._follow(context)
        except Dead:
            pass
        finally:
            watch_points(None)
        self._told["dead at a point"] += left <= 0

    async def _cut_off(self, loop: SimulatedLoop, context: Context) -> None:
        """Everything at once, and the end in the middle of whatever it does."""
        acts = [self._world(), self._follow(context), self._customer(context), self._operator(context)]
        tasks = [loop.create_task(act) for act in acts]
        done, _ = await asyncio.wait(
            tasks, timeout=self._chance.uniform(0.005, 0.3), return_when=asyncio.FIRST_EXCEPTION
        )
        loop.cut()
        self._told["cut off"] += 1
        await ended(tasks)
        for task in done:
            task.result()

    async def _world(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.1))
        self._turn()

    async def _follow(self, context: Context) -> None:
        """A few steps; then the node is idle until it dies."""
        for _ in range(self._chance.randint(1, STEPS_MAX)):
            try:
                await follow_network(context, context.networks[ETHEREUM])
            except (JournalUnavailable, OutcomeUnknown):
                return  # the end came within the Journal
            except (NetworkError, Stale):
                await asyncio.sleep(1.0)
            await asyncio.sleep(self._chance.uniform(0.3, 2.0))

    async def _customer(self, context: Context) -> None:
        """Spends; a payment that is not answered is not repeated here."""
        (payer, _), (payee, _) = self._chance.sample(self._people, 2)
        amount = Amount(self._chance.randint(1, 10**7), self._chance.choice([ETH, DUSD]))
        request = Request(payer, "payment.send", f"{self._chance.getrandbits(128):032x}", b"test")
        with suppress(Refusal, JournalUnavailable, OutcomeUnknown, Stale):
            await send_payment(context, payer, payer, payee, amount, None, request)

    async def _operator(self, context: Context) -> None:
        with suppress(JournalUnavailable, OutcomeUnknown):
            if await is_halted(context, ETHEREUM):
                self._halts += await resume_network(context, "test", ETHEREUM, "looked")

    async def _calm(self, loop: SimulatedLoop) -> None:
        lines = self._lines()
        context = await self._begun(loop, lines)
        self._chain.mine(self._chain.waiting)
        self._chain.waiting = []
        for _ in range(CALM_MAX):
            self._chain.mine()
            await follow_network(context, context.networks[ETHEREUM])
            await self._operator(context)
            if self._look(self._is_quiet):
                break
        for position in await positions(context):
            if position.difference:
                raise Broken(f"I2: {position}")
        await context.journal.stop()
        await lines.close()

    # ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, check: Callable[[asyncpg.Connection], Coroutine[Any, Any, Any]]) -> Any:
        return looked(self._dsns, check)

    async def _check_always(self, reader: asyncpg.Connection) -> None:
        await check_sums(reader)
        self._credited = await reader.fetchval(_HIGHEST_CREDITED)

    async def _is_quiet(self, reader: asyncpg.Connection) -> bool:
        settled = self._chain.height - FINAL_DEPTH
        scanned = await reader.fetchval("SELECT height FROM scan_cursors")
        left = await reader.fetchval(
            "SELECT count(*) FROM deposits WHERE state IN ('detected', 'confirming', 'uprooted')"
        )
        return left == 0 and scanned is not None and scanned >= settled > 0

    async def _told_by_books(self, reader: asyncpg.Connection) -> Mapping[str, int]:
        """Raises `Broken` where the books do not say what the chain says."""
        arrived = self._chain.arrived()
        rows = {row["identity"]: row for row in await reader.fetch(_CREDITED)}
        credited = {
            name: (row["address"], row["asset"], int(row["units"]))
            for name, row in rows.items()
            if row["state"] == "credited"
        }
        missed = [name for name, what in arrived.items() if credited.get(name) != what]
        invented = [name for name, what in credited.items() if arrived.get(name) != what]
        if invented:
            raise Broken(f"I4: {len(invented)} are credited that the chain does not have: {invented[:3]}")
        double = await self._credited_twice(reader)
        await self._check_units(reader, arrived)
        proof = await verify(reader)
        kinds = await reader.fetch("SELECT kind, count(*) AS count FROM journal GROUP BY kind")
        counts = {row["kind"]: row["count"] for row in kinds}
        return {**counts, "missed": len(missed), "double": double, "changes": proof.seq}

    async def _credited_twice(self, reader: asyncpg.Connection) -> int:
        """Deposits whose credits are more than one ahead of what was taken back."""
        count = "count(*) FILTER (WHERE kind = $1)"
        told = "convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'id'"
        rows = await reader.fetch(
            f"SELECT {told} AS id, {count} AS credits, count(*) FILTER (WHERE kind = $2) AS back FROM journal"
            " WHERE kind IN ($1, $2) GROUP BY 1",
            "deposit.credited",
            "deposit.charged_back",
        )
        return sum(row["credits"] - row["back"] not in (0, 1) for row in rows)

    async def _check_units(self, reader: asyncpg.Connection, arrived: Mapping[str, tuple[str, str, int]]) -> None:
        """What each customer was credited by the house, less what was taken back, is what the chain paid to their address."""
        owners = {address: owner for owner, address in self._people}
        paid: Counter[tuple[str, str]] = Counter()
        for address, asset, units in arrived.values():
            paid[owners[address], asset] += units
        booked: Counter[tuple[str, str]] = Counter()
        for row in await reader.fetch(_CREDITS):
            booked[row["account"].partition(":")[0], row["asset"]] += int(row["units"])
        for key in {*paid, *booked}:
            if paid[key] != booked[key]:
                raise Broken(f"I4: {key} was paid {paid[key]} and credited {booked[key]}")

    def _outcome(self, told: Mapping[str, int]) -> DepositOutcome:
        lies = sum(count for what, count in self._told.items() if what.startswith("lie"))
        return DepositOutcome(
            seed=self._plan.seed,
            deposits=self._paid,
            missed=told["missed"],
            double=told["double"],
            crashes=self._crashes,
            blocks=self._chain.height,
            reorgs=self._chain.reorgs,
            deepest_reorg=self._chain.deepest,
            lost_in_reorgs=self._chain.lost,
            taken_back=told.get("deposit.charged_back", 0),
            found_again=told.get("deposit.found_again", 0),
            halts=self._halts,
            answers=self._told["answers"],
            lies=lies,
            changes=told["changes"],
            virtual_s=round(self._now, 1),
            told=dict(sorted(self._told.items())),
        )


@dataclass(frozen=True, slots=True)
class _Addresses:
    """The address book without its questions to the database, which have tests of their own: nobody is added here."""

    ours: frozenset[str]

    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        return self.ours.intersection(addresses)
