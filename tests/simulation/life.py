"""One life of the node's process in a simulation: the real workers' steps and customers who pay, withdraw and repeat.

A client that got no answer asks again under its key, in this life or the next; what was answered once is answered alike ever
after.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from node.database import Dsns
from node.workers.follow_network import follow_network
from node.workers.pay_withdrawals import pay_and_follow
from tests.fakes.signer import FakeSigner
from tests.fakes.world import ASSETS
from tests.simulation.unreliable import UnreliableNetwork
from tests.simulation.virtual_time import SeededIds, SimulatedLoop, VirtualClock
from wallet.addresses.book import StoredAddressBook
from wallet.context import Context
from wallet.errors import JournalUnavailable, OutcomeUnknown, Refusal, Stale
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Committed, Journal, Request
from wallet.journal.body import request_digest
from wallet.money import Amount
from wallet.payments.send import send_payment
from wallet.ports import Destination, NetworkError, SignerUnavailable
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import Vault
from wallet.withdrawals.cancel import cancel_withdrawal
from wallet.withdrawals.request import request_withdrawal

NOT_ANSWERED = (JournalUnavailable, OutcomeUnknown, NetworkError, Stale)
WAITS = (*NOT_ANSWERED, SignerUnavailable)


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer wants; `kind` is "pay", "withdraw" or "cancel"."""

    key: str
    kind: str
    owner: CustomerId
    target: str
    amount: Amount
    network: NetworkId


@dataclass(slots=True)
class Town:
    """What outlives a process: networks, the signer, people, what they were promised, and money that came from outside."""

    networks: dict[NetworkId, UnreliableNetwork]
    signer: FakeSigner
    folder: Path
    faults: dict[str, int]
    people: list[CustomerId] = field(default_factory=list)
    addresses: dict[tuple[CustomerId, NetworkId], str] = field(default_factory=dict)
    open_orders: dict[str, Order] = field(default_factory=dict)
    answers: dict[str, tuple[Order, Mapping[str, object] | str]] = field(default_factory=dict)
    orders: int = 0
    paid_in: int = 0
    repeated: int = 0


@asynccontextmanager
async def composed(town: Town, dsns: Dsns, loop: SimulatedLoop) -> AsyncIterator[Context]:
    clock = VirtualClock(loop)
    reads, ops = _engine(dsns.books), _engine(dsns.ops)
    journal = Journal(dsns.books, clock)
    await journal.start()
    for network in town.networks.values():
        network.book = StoredAddressBook(reads)
    vault, ids = Vault(PersonKeys(town.folder / "vault", draw=loop.chance.randbytes)), SeededIds(loop)
    networks, salts = dict(town.networks), loop.chance.randbytes
    yield Context(journal, reads, ops, ASSETS, networks, town.signer, vault, clock, ids, new_salt=salts)
    await journal.stop()
    await reads.dispose()
    await ops.dispose()


def _engine(dsn: str) -> AsyncEngine:
    return create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=10)


async def work(step: Callable[[], Awaitable[None]], chance: random.Random) -> None:
    """A worker's loop, as `node.workers.loop` but for the lease: what is not expected ends the simulation."""
    while True:
        try:
            await step()
        except WAITS:
            await asyncio.sleep(1.0)
        await asyncio.sleep(chance.uniform(0.5, 2.5))


def workers(context: Context, town: Town, chance: random.Random) -> list[Coroutine[Any, Any, None]]:
    """Both of every network."""
    return [
        work(partial(step, context, network), chance)
        for network in town.networks.values()
        for step in (follow_network, pay_and_follow)
    ]


async def customer(context: Context, town: Town, owner: CustomerId, chance: random.Random) -> None:
    while True:
        await asyncio.sleep(chance.uniform(0.1, 2.5))
        await insist(context, town, _repeated(town, owner, chance) or _wish(town, owner, chance))


def _repeated(town: Town, owner: CustomerId, chance: random.Random) -> Order | None:
    """What this customer has no answer to; now and then what was answered."""
    waiting = [order for order in town.open_orders.values() if order.owner == owner]
    answered = [order for order, _ in town.answers.values() if order.owner == owner]
    if waiting:
        return waiting[0]
    return chance.choice(answered) if answered and chance.random() < 0.1 else None


def _wish(town: Town, owner: CustomerId, chance: random.Random) -> Order:
    town.orders += 1
    network = chance.choice(list(town.networks.values()))
    amount = Amount(chance.randint(1, 400) * 10 ** (network.assets[0].decimals // 3), chance.choice(network.assets))
    key, kind = f"order-{town.orders}", chance.choice(["pay", "pay", "withdraw", "withdraw", "cancel"])
    target = f"out-{town.orders}"
    if kind == "pay":
        target = chance.choice([person for person in town.people if person != owner])
    elif kind == "cancel":
        made = [answer for order, answer in town.answers.values() if order.owner == owner and order.kind == "withdraw"]
        ids = [str(answer["id"]) for answer in made if not isinstance(answer, str)]
        target = chance.choice(ids[-3:]) if ids else "wdr_none"
    return Order(key, kind, owner, target, amount, network.id)


async def insist(context: Context, town: Town, order: Order) -> None:
    """Ask, and remember the answer; asked again, it must be the same."""
    town.open_orders[order.key] = order
    try:
        answer: Mapping[str, object] | str = (await _asked(context, order)).result
    except NOT_ANSWERED:
        return
    except Refusal as refusal:
        answer = refusal.stable_code
    town.open_orders.pop(order.key, None)
    earlier = town.answers.get(order.key)
    if earlier is None:
        town.answers[order.key] = (order, answer)
        return
    town.repeated += 1
    if not isinstance(earlier[1], str) and answer != earlier[1]:
        raise AssertionError(f"{order} was answered {earlier[1]} and then {answer}")


async def _asked(context: Context, order: Order) -> Committed:
    meaning = request_digest({"target": order.target, "amount": str(order.amount), "network": order.network})
    request = Request(order.owner, order.kind, order.key, meaning)
    match order.kind:
        case "pay":
            return await send_payment(context, order.owner, order.owner, order.target, order.amount, "a note", request)
        case "withdraw":
            to = Destination(order.target, "Somebody")
            return await request_withdrawal(context, order.owner, order.owner, order.network, order.amount, to, request)
        case _:
            return await cancel_withdrawal(context, order.owner, order.owner, order.target, request)


_WEATHER = ["pay", "pay", "mine", "mine", "mine", "reorg", "fault", "fair", "line"]


async def weather(town: Town, loop: SimulatedLoop) -> None:
    """What the world does: pays in, makes blocks, and takes some back; networks lag, fall silent and lose answers, and the
    Journal's line to the database breaks."""
    chance, networks = loop.chance, list(town.networks.values())
    deck: list[str] = []  # dealt out, not drawn each time: a life of some length has met all of it
    while True:
        await asyncio.sleep(chance.uniform(0.3, 2.0))
        deck = deck or chance.sample(_WEATHER, len(_WEATHER))
        network = chance.choice(networks)
        match deck.pop():
            case "pay":
                pay_in(town, network, chance)
            case "reorg":
                network = chance.choice([each for each in networks if each.depth > 1])
                network.count("reorg")
                network.reorg(chance.randint(1, network.depth - 1), forget=chance.random() < 0.3)
            case "fault":
                _disturb(network, chance)
            case "line":
                network.count("line")
                loop.break_line("coffer-journal")
            case "fair":
                calm(network)
            case _:
                network.mine()


def pay_in(town: Town, network: UnreliableNetwork, chance: random.Random) -> None:
    asset = chance.choice(network.assets)
    units = chance.randint(1, 3_000) * 10 ** (network.assets[0].decimals // 3)
    network.pay_in(town.addresses[chance.choice(town.people), network.id], Amount(units, asset))
    town.paid_in += 1


def _disturb(network: UnreliableNetwork, chance: random.Random) -> None:
    fault = chance.choice(["silent", "lose", "reject", "lag", "deny"])
    network.count(fault)
    network.silent = network.silent or fault == "silent"
    network.lose_answers += fault == "lose"
    network.rejecting = "the network says no" if fault == "reject" else network.rejecting
    network.lag = chance.randint(1, 3) if fault == "lag" else network.lag
    network.denying = network.denying or fault == "deny"


def calm(network: UnreliableNetwork) -> None:
    network.silent, network.lose_answers, network.rejecting, network.lag, network.denying = False, 0, None, 0, False
