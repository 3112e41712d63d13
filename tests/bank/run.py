"""Customers pay each other and look at balances through two nodes, while the nodes are killed in turn and the Journal's
connections are cut. What became of what was not answered is asked at the end, under the same keys."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import asyncpg

from node.processes import attempts
from tests.bank.history import FOR_EVER, History, Look, Outcome, Payment, complaints, final_balances
from tests.nodes.pair import ApiProcess, NodePair, Person
from wallet.journal.body import decode_body, result_of
from wallet.proofs.verify import verify

ACCOUNTS = 10
FIRST_CENTS = 100_000  # each; 10 accounts make 10,000.00
PAYMENT_CENTS_MAX = 60_000  # so that about one in four payments is not covered
READERS = 4
ONE_TRY_S = 20.0
RUN_MAX_S = 24 * 3600.0
DOWN_PAUSE_S = 0.25  # for so long a node that was found down gets no orders: the other one gets them meanwhile
ANSWERED_WITHIN_S = 300.0  # more than a restart takes
CUT_EVERY_S = 1.5
READ_PAUSE_S = 0.005

# Of all accounts at one moment: the API shows one customer at a time, so this look goes to the database itself, as the
# role that the node reads with. One statement has one snapshot.
_LOOK = """
SELECT owner, (credits_posted - debits_posted)::text FROM accounts
WHERE owner = ANY ($1) AND code = 'balance' AND asset = 'EUR'
"""
_CUT = """
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'coffer-journal' AND datname = current_database() AND pid <> pg_backend_pid()
"""
_ORDER = "SELECT body FROM journal WHERE kind = 'payment.sent' AND seq > $1 AND seq <= $2 ORDER BY seq"
_ORDER_ROWS = 20_000

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    operations: int
    kills: int
    seed: int
    writers: int = 64
    longest_s: float = RUN_MAX_S


@dataclass(frozen=True, slots=True)
class Order:
    """A payment with what is needed to ask for it again."""

    key: str
    payment: Payment


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: Outcome
    id: str | None = None
    replayed: bool = False


@dataclass(slots=True)
class Bank:
    pair: NodePair
    plan: Plan
    people: list[Person]
    chance: random.Random
    say: Say
    orders: list[Order] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    asked: int = 0
    kills: int = 0
    cuts: int = 0
    over: bool = False
    down_until: dict[str, float] = field(default_factory=dict)

    # ── what clients do ──────────────────────────────────────────────────────────────────────────────────────────────

    async def money_moves(self) -> None:
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(self._kill()), group.create_task(self._cut())]
            others += [group.create_task(self._look_at_all()) for _ in range(READERS // 2)]
            others += [group.create_task(self._look_at_one()) for _ in range(READERS // 2)]
            writers = [group.create_task(self._write()) for _ in range(self.plan.writers)]
            await asyncio.gather(*writers)
            self.over = True
            await asyncio.gather(*others)

    async def _write(self) -> None:
        latest = time.monotonic() + self.plan.longest_s
        while (self.asked < self.plan.operations or self.kills < self.plan.kills) and time.monotonic() < latest:
            self.asked += 1
            key = f"bank-{self.plan.seed}-{self.asked}"
            payer, payee = self.chance.sample(range(ACCOUNTS), 2)
            planned = Payment(payer, payee, self.chance.randint(1, PAYMENT_CENTS_MAX), 0, 0, Outcome.UNKNOWN)
            node = self._any_node()
            self.orders.append(await self._pay(key, planned, node))
            if self.orders[-1].payment.outcome is Outcome.NOTHING:
                self.down_until[node.name] = time.monotonic() + DOWN_PAUSE_S
                if len(self._not_known_down()) == 0:
                    await asyncio.sleep(DOWN_PAUSE_S)

    def _any_node(self) -> ApiProcess:
        return self.chance.choice(self._not_known_down() or self.pair.nodes)

    def _not_known_down(self) -> list[ApiProcess]:
        now = time.monotonic()
        return [node for node in self.pair.nodes if self.down_until.get(node.name, 0.0) <= now]

    async def _pay(self, key: str, planned: Payment, node: ApiProcess) -> Order:
        began = time.monotonic()
        answer = await self._send(key, planned, node)
        ended = FOR_EVER if answer.outcome is Outcome.UNKNOWN else time.monotonic()
        return Order(key, replace(planned, began=began, ended=ended, outcome=answer.outcome, id=answer.id))

    async def _send(self, key: str, planned: Payment, node: ApiProcess) -> _Answer:
        payer, payee = self.people[planned.payer], self.people[planned.payee]
        body = {"to": payee.handle, "asset": "EUR", "amount": f"{planned.units // 100}.{planned.units % 100:02}"}
        headers = {"Authorization": f"Bearer {payer.secret}", "Idempotency-Key": key}
        limit = aiohttp.ClientTimeout(total=ONE_TRY_S)
        try:
            async with self.pair.http.post(
                node.url + "/v1/payments", json=body, headers=headers, timeout=limit
            ) as answer:
                return _read(answer.status, await answer.json(content_type=None), answer.headers)
        except aiohttp.ClientConnectorError:
            return _Answer(Outcome.NOTHING)
        except (aiohttp.ClientError, TimeoutError):
            return _Answer(Outcome.UNKNOWN)

    async def _look_at_one(self) -> None:
        """Over HTTP, at whichever node lives. A look that fails saw nothing."""
        while not self.over:
            account, node = self.chance.randrange(ACCOUNTS), self._any_node()
            headers, began = {"Authorization": f"Bearer {self.people[account].secret}"}, time.monotonic()
            try:
                async with self.pair.http.get(node.url + "/v1/balances", headers=headers) as answer:
                    if answer.status == 200:
                        posted = (await answer.json())["items"][0]["posted"]
                        units = int(posted.replace(".", ""))
                        self.looks.append(Look((account,), (units,), began, time.monotonic()))
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(READ_PAUSE_S)

    async def _look_at_all(self) -> None:
        connection = await asyncpg.connect(self.pair.dsns.books)
        try:
            while not self.over:
                self.looks.append(await look(connection, self.people))
                await asyncio.sleep(READ_PAUSE_S)
        finally:
            await connection.close()

    # ── what is done to them ─────────────────────────────────────────────────────────────────────────────────────────

    async def _kill(self) -> None:
        """Each node in turn, at even distances of the work; it is started again at once."""
        for number in range(1, self.plan.kills + 1):
            due = self.plan.operations * number // (self.plan.kills + 1)
            async for _ in attempts(RUN_MAX_S):
                if self.over:
                    return
                if self.asked >= due:
                    break
            node = self.pair.nodes[number % 2]
            await node.stop(signal.SIGKILL)
            self.kills += 1
            self.say(f"kill {number} of {self.plan.kills}: {self.asked} of {self.plan.operations} asked")
            await node.start(self.pair.http)

    async def _cut(self) -> None:
        """Every now and then both Journals lose their connection, wherever they are in a transaction."""
        connection = await asyncpg.connect(self.pair.dsns.books)
        try:
            while not self.over:
                await asyncio.sleep(self.chance.uniform(0.5, 1.5) * CUT_EVERY_S)
                self.cuts += await connection.fetchval(_CUT)
        finally:
            await connection.close()

    # ── what became of it ────────────────────────────────────────────────────────────────────────────────────────────

    async def resolve(self) -> list[str]:
        """Everything that has no lasting answer is asked again under its key. Returns the answers that were no truth: where
        a node had said that nothing was done, and it was."""
        lies: list[str] = []
        open_places = iter(
            [n for n, order in enumerate(self.orders) if order.payment.outcome in (Outcome.UNKNOWN, Outcome.NOTHING)]
        )

        async def ask_for_the_next() -> None:
            for place in open_places:
                order = self.orders[place]
                self.orders[place], was_done = await self._ask_again(order)
                if was_done and order.payment.outcome is Outcome.NOTHING:
                    lies.append(f"{order.key}: nothing was done, said the node, and it was")

        await asyncio.gather(*(ask_for_the_next() for _ in range(self.plan.writers)))
        return lies

    async def _ask_again(self, order: Order) -> tuple[Order, bool]:
        async for _ in attempts(ANSWERED_WITHIN_S, 0.2):
            began = time.monotonic()
            answer = await self._send(order.key, order.payment, self._any_node())
            if answer.outcome in (Outcome.MADE, Outcome.REFUSED):
                lasting = replace(order.payment, outcome=answer.outcome, id=answer.id, ended=time.monotonic())
                if not answer.replayed:  # this very request has done it
                    lasting = replace(lasting, began=began)
                elif answer.outcome is Outcome.MADE:
                    lasting = replace(lasting, ended=FOR_EVER)
                return Order(order.key, lasting), answer.replayed
        raise AssertionError(f"{order.key} was never answered")

    async def journal_order(self) -> list[str]:
        """The ids of these people's payments in the journal's order."""
        own, order, after = {person.id for person in self.people}, [], 0
        connection = await asyncpg.connect(self.pair.dsns.books)
        try:
            last = await connection.fetchval("SELECT seq FROM journal_head")
            while after < last:
                upto = min(after + _ORDER_ROWS, last)
                rows = await connection.fetch(_ORDER, after, upto)
                results = [result_of(decode_body(bytes(row["body"]))) for row in rows]
                order += [str(result["id"]) for result in results if result["payer"] in own]
                after = upto
        finally:
            await connection.close()
        return order


def _read(status: int, said: Any, headers: Any) -> _Answer:
    if status == 201:
        return _Answer(Outcome.MADE, str(said["id"]), "Idempotent-Replayed" in headers)
    if status == 409 and said["code"] == "insufficient_funds":
        return _Answer(Outcome.REFUSED, None, "Idempotent-Replayed" in headers)
    if status == 503 and said["detail"].startswith("nothing was done"):
        return _Answer(Outcome.NOTHING)
    if status == 503:
        return _Answer(Outcome.UNKNOWN)
    raise AssertionError(f"{status} {said}")


async def look(connection: asyncpg.Connection, people: list[Person]) -> Look:
    began = time.monotonic()
    rows = await connection.fetch(_LOOK, [person.id for person in people])
    ended = time.monotonic()
    found = {row[0]: int(row[1]) for row in rows}
    return Look(tuple(range(len(people))), tuple(found[person.id] for person in people), began, ended)


async def run_bank(pair: NodePair, plan: Plan, say: Say) -> dict[str, Any]:
    """What was counted; `wrong` names everything that no order explains."""
    started = time.monotonic()
    people = [await pair.person(f"bank_{plan.seed}_{n}", FIRST_CENTS) for n in range(ACCOUNTS)]
    bank = Bank(pair, plan, people, random.Random(plan.seed), say)
    await bank.money_moves()
    moved_s = time.monotonic() - started
    answers = Counter(order.payment.outcome.value for order in bank.orders)
    say(f"quiet: {answers[Outcome.UNKNOWN]} outcomes unknown, they are asked for again")
    wrong = await bank.resolve()
    order = await bank.journal_order()
    history = History((FIRST_CENTS,) * ACCOUNTS, [order.payment for order in bank.orders], bank.looks)
    say(f"checking {len(order)} payments and {len(bank.looks)} looks")
    wrong += complaints(history, order) or await _ends(bank, history, order)
    return {
        "ok": not wrong,
        "operations": len(bank.orders),
        "first_answers": dict(answers),
        "payments": len(order),
        "looks_at_all": sum(len(one.accounts) > 1 for one in bank.looks),
        "looks_at_one": sum(len(one.accounts) == 1 for one in bank.looks),
        "kills": bank.kills,
        "cuts": bank.cuts,
        "per_s": round(len(bank.orders) / moved_s, 1),
        "seconds": round(time.monotonic() - started, 1),
        "wrong": wrong[:20],
    }


async def _ends(bank: Bank, history: History, order: list[str]) -> list[str]:
    """The balances at the end are what the payments leave, and the books replay. Raises `BooksBroken`."""
    connection = await asyncpg.connect(bank.pair.dsns.books)
    try:
        found = await look(connection, bank.people)
        await verify(connection)
    finally:
        await connection.close()
    expected = final_balances(history, order)
    return [] if found.units == expected else [f"the balances are {found.units} instead of {expected}"]
