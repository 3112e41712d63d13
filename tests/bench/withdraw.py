"""Withdrawals a second, from the request to the moment in which the network has them, and where the time goes.

The node's own core without loops that wait: requests of many customers at once, then the step that pays, again and again, on
anvil and on bitcoind, with the signer's real memory and a real database. `bitcoin_per_s` pays each withdrawal in a tx of its
own, `bitcoin_batched_per_s` as nodes do. `open_cost_ratio` is what a step costs for each open submission
when four times as many are open, over what it cost before: 1 where the cost of one does not grow with the others. `verified`:
each withdrawal is final, and the books are exact.
"""

import argparse
import asyncio
import os
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from sqlalchemy import func, select

from node.database import EmbeddedPostgres
from node.devnet.anvil import Anvil, find_anvil
from node.devnet.bank import DevelopmentBank
from node.devnet.bitcoind import Bitcoind, find_bitcoind
from node.devnet.networks import BANK_IBAN, Devnet
from node.devnet.outside import outside_wallet
from node.workers.pay_withdrawals import pay_and_follow
from tests.bench.options import at_least
from tests.databases import FreshDatabases
from tests.scenario.house import BITCOIN, ETHEREUM, House, open_house
from tests.scenario.paid_in import destination, funded, pay_in
from wallet import schema
from wallet.ids import CustomerId, NetworkId
from wallet.ports import Destination
from wallet.treasury.submissions import open_submissions

Say = Callable[[str], None]

ROUNDS, WITHDRAWALS = 5, 40
COINS = 250  # unspent outputs of the house: a tx of its own takes one for each withdrawal until its change is final
OPEN_MORE = 4
AMOUNT = "0.001"  # ether, or coin
STEPS = 5


@dataclass(slots=True)
class Clocks:
    """Seconds by what they went into; whatever is not named is the node's own work and its database."""

    s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def timed(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*args: Any, **more: Any) -> Any:
            started = perf_counter()
            try:
                return await step(*args, **more)
            finally:
                self.s[name] += perf_counter() - started

        return run


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--withdrawals", type=at_least(4), default=WITHDRAWALS, help="in each round, of each kind")


async def measure(plan: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON."""
    busy = os.getloadavg()[0]
    async with _running(say) as house:
        customers = await _stocked(house, say)
        rounds = [await _round(house, customers, plan.withdrawals, number, say) for number in range(plan.rounds)]
        growth = await _open_cost(house, customers["ETH"], plan.withdrawals, say)
        await house.settled()
        await house.prove()
        verified = {row["state"] for row in await house.withdrawals()} == {"final"}
    figures = {name: round(median(found[name] for found in rounds), 2) for name in rounds[0]}
    return {
        **figures,
        **growth,
        "verified": verified,
        "rounds": rounds,
        "plan": vars(plan),
        "load_before": round(busy, 2),
    }


@asynccontextmanager
async def _running(say: Say) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        anvil, bitcoind = Anvil(folder / "anvil", find_anvil(), state=False), Bitcoind(folder / "b", find_bitcoind(say))
        server = EmbeddedPostgres(folder / "postgres")
        databases = FreshDatabases(await server.start(), folder)
        stack.push_async_callback(server.stop)
        for each in (anvil, bitcoind):
            await each.start()
            stack.push_async_callback(each.stop)
        outside = await stack.enter_async_context(outside_wallet(anvil.url, None))
        token = await outside.deploy_dev_dollar()
        bank = DevelopmentBank(folder / "bank", folder / "bank-private", iban=BANK_IBAN)
        devnet = Devnet(folder, anvil, bitcoind, bank, outside, token)
        yield await stack.enter_async_context(open_house(devnet, await databases.migrated(), folder / "node"))


async def _stocked(house: House, say: Say) -> dict[str, CustomerId]:
    say(f"two customers with money, the house with {COINS} coins")
    ether = await funded(house, "ETH", "20")
    coins = await funded(house, "BTC", "0.02")
    for _ in range(COINS - 1):
        await pay_in(house, coins, "BTC", "0.02")
    await house.settled()
    return {"ETH": ether, "BTC": coins}


async def _round(house: House, customers: dict[str, CustomerId], count: int, number: int, say: Say) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, asset, network, batch_max in (
        ("evm", "ETH", ETHEREUM, None),
        ("bitcoin", "BTC", BITCOIN, 1),
        ("bitcoin_batched", "BTC", BITCOIN, None),
    ):
        with _at_most_together(house, network, batch_max):
            found |= await _paid(house, customers[asset], name, asset, network, count)
        await house.settled()
        shares = ", ".join(f"{key} {value:.0%}" for key, value in found.items() if key.startswith(f"{name}_share"))
        say(f"round {number + 1}  {name:16s} {found[f'{name}_per_s']:.1f}/s  {shares}")
    return found


@contextmanager
def _at_most_together(house: House, network: NetworkId, batch_max: int | None) -> Iterator[None]:
    """None leaves it as nodes have it."""
    rail: Any = house.context.network(network)
    kept = rail.capabilities
    rail.capabilities = kept if batch_max is None else replace(kept, batch_max=batch_max)
    try:
        yield
    finally:
        rail.capabilities = kept


async def _paid(
    house: House, owner: CustomerId, name: str, asset: str, network: NetworkId, count: int
) -> dict[str, float]:
    places = [await destination(house, asset) for _ in range(count)]
    clocks = Clocks()
    started = perf_counter()
    await _requested(house, owner, asset, network, places)
    requested = perf_counter()
    with _watched(house, network, clocks):
        while await _unsent(house, network):
            await pay_and_follow(house.context, house.context.network(network))
    ended = perf_counter()
    parts = {"requests": requested - started, **clocks.s}
    whole = ended - started
    parts["rest"] = whole - sum(parts.values())
    shares = {f"{name}_share_{part}": round(value / whole, 3) for part, value in parts.items()}
    return {f"{name}_per_s": count / whole, **shares}


@contextmanager
def _watched(house: House, network: NetworkId, clocks: Clocks) -> Iterator[None]:
    """While a step pays, it does one thing after the other, so that the clocks add up."""
    rail, signer, journal = house.context.network(network), house.context.signer, house.context.journal
    with pytest.MonkeyPatch.context() as patch:
        for name in ("estimate_fee", "build", "submit", "status"):
            patch.setattr(rail, name, clocks.timed("network", getattr(rail, name)))
        for name in ("check", "sign", "sign_each"):
            if hasattr(signer, name):
                patch.setattr(signer, name, clocks.timed("signer", getattr(signer, name)))
        patch.setattr(journal, "commit", clocks.timed("journal", journal.commit))
        yield


async def _requested(
    house: House, owner: CustomerId, asset: str, network: NetworkId, places: Sequence[Destination]
) -> None:
    await asyncio.gather(*[house.withdraw(owner, network, asset, AMOUNT, place) for place in places])


async def _unsent(house: House, network: NetworkId) -> int:
    table = schema.withdrawals
    waiting = table.c.state.in_(("requested", "approved", "signed"))
    row = await house.context.one(select(func.count().label("n")).where(table.c.network == network, waiting))
    return int(row["n"]) if row else 0


async def _open_cost(house: House, owner: CustomerId, count: int, say: Say) -> dict[str, float]:
    """No block comes meanwhile that would make anything final."""
    costs = []
    for more in (count, (OPEN_MORE - 1) * count):
        places = [await destination(house, "ETH") for _ in range(more)]
        await _requested(house, owner, "ETH", ETHEREUM, places)
        while await _unsent(house, ETHEREUM):
            await pay_and_follow(house.context, house.context.network(ETHEREUM))
        costs.append(await _cost_of_a_step(house))
    ratio = costs[1] / costs[0]
    say(
        f"a step costs {costs[0] * 1e3:.2f} ms for each open submission, with {OPEN_MORE} times as many {costs[1] * 1e3:.2f} ms"
    )
    return {"open_cost_ratio": round(ratio, 2), "open_cost_ms": round(costs[1] * 1e3, 2)}


async def _cost_of_a_step(house: House) -> float:
    opened = len(await open_submissions(house.context, ETHEREUM))
    times = []
    for _ in range(STEPS):
        started = perf_counter()
        await pay_and_follow(house.context, house.context.network(ETHEREUM))
        times.append(perf_counter() - started)
    return median(times) / max(opened, 1)
