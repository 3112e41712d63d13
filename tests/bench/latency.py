"""From a block to the customer: seconds between the block that holds a payment and the event of it at a client that waits.

A whole node as a process of its own, with the poll that nodes have by default, on anvil and bitcoind; an aiohttp client follows
`/v1/events`. The clock starts when the node of the network shows the block, and stops when the answer with the deposit is read:
waiting for the next look at the network is in it. `verified`: each payment was told.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import aiohttp

from node.config import NodeSection, read_config
from node.devnet.anvil import Anvil, find_anvil
from node.devnet.bank import DevelopmentBank
from node.devnet.bitcoind import Bitcoind, find_bitcoind
from node.devnet.networks import BANK_IBAN, Devnet, write_configuration
from node.devnet.outside import outside_wallet
from node.processes import free_port
from tests.bench.options import at_least
from tests.nodes.client import Client
from tests.nodes.process import NodeProcess, open_customer

Say = Callable[[str], None]

ROUNDS, PAYMENTS = 5, 20  # about two minutes in all
PLACES = 10
TOLD_WITHIN_S = 30.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--payments", type=at_least(2), default=PAYMENTS, help="in a round, half on each chain")


async def measure(plan: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON."""
    busy = os.getloadavg()[0]
    async with _running(say) as (devnet, customer, addresses):
        told = Told()
        following = asyncio.create_task(told.follow(customer))
        try:
            rounds = [
                await _round(devnet, addresses, told, plan.payments, number, say) for number in range(plan.rounds)
            ]
        finally:
            following.cancel()
            await asyncio.wait([following])
    figures = {name: round(median(found[name] for found in rounds), 3) for name in rounds[0]}
    say(f"median  {_told(figures)}")
    plain = {"poll_ms": _poll_ms(), **vars(plan)}
    return {**figures, "verified": True, "rounds": rounds, "plan": plain, "load_before": round(busy, 2)}


@dataclass(slots=True)
class Told:
    """When the event of each tx was read."""

    at: dict[str, float] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, customer: Client) -> None:
        cursor = ""
        while True:
            _, page = await customer.insist("GET", f"/v1/events?wait=20&limit=100{cursor}")
            for event in page["items"]:
                if event["type"] == "deposit.detected":
                    self.at.setdefault(event["data"]["tx"], perf_counter())
            cursor = f"&cursor={page['next_cursor']}"
            self.news.set()

    async def when(self, tx: str) -> float:
        """Raises `TimeoutError` for one that nobody tells of."""
        async with asyncio.timeout(TOLD_WITHIN_S):
            while tx not in self.at:
                self.news.clear()
                await self.news.wait()
        return self.at[tx]


@asynccontextmanager
async def _running(say: Say) -> AsyncIterator[tuple[Devnet, Client, dict[str, str]]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        anvil, bitcoind = Anvil(folder / "anvil", find_anvil(), state=False), Bitcoind(folder / "b", find_bitcoind(say))
        for each in (anvil, bitcoind):
            await each.start()
            stack.push_async_callback(each.stop)
        outside = await stack.enter_async_context(outside_wallet(anvil.url, None))
        token = await outside.deploy_dev_dollar()
        bank = DevelopmentBank(folder / "bank", folder / "bank-private", iban=BANK_IBAN)
        devnet = Devnet(folder, anvil, bitcoind, bank, outside, token)
        listen = f"127.0.0.1:{free_port()}"
        file = write_configuration(devnet, folder / "node", listen, poll_ms=_poll_ms())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        node = NodeProcess(file, read_config(file, {}), f"http://{listen}")
        await node.start(http)
        stack.push_async_callback(node.stop)
        async with node.look() as books:
            operator = Client(http, node.url, await books.operator())
        yield devnet, *await open_customer(operator, "anna")


def _poll_ms() -> int:
    return int(NodeSection.model_fields["poll_ms"].default)


async def _round(
    devnet: Devnet, addresses: dict[str, str], told: Told, payments: int, number: int, say: Say
) -> dict[str, float]:
    evm = [await _ether(devnet, addresses["ethereum"], told, place) for place in range(payments // 2)]
    bitcoin = [await _coins(devnet, addresses["bitcoin"], told, place) for place in range(payments // 2)]
    both = sorted(evm + bitcoin)
    found = {
        "p99_s": both[min(len(both) * 99 // 100, len(both) - 1)],
        "p50_s": median(both),
        "evm_p50_s": median(evm),
        "bitcoin_p50_s": median(bitcoin),
        "max_s": both[-1],
    }
    say(f"round {number + 1}  {_told(found)}")
    return {name: round(value, 3) for name, value in found.items()}


def _told(found: dict[str, float]) -> str:
    return f"half within {found['p50_s']:.3f} s, 99 of 100 within {found['p99_s']:.3f} s, all within {found['max_s']:.3f} s"


async def _ether(devnet: Devnet, address: str, told: Told, place: int) -> float:
    await _turn(place)
    tx = await devnet.anvil.pay(address, 10**15)
    await devnet.anvil.receipt(tx)
    mined = perf_counter()
    return await told.when(tx) - mined


async def _coins(devnet: Devnet, address: str, told: Told, place: int) -> float:
    """The block comes at once; what a node tells of it before, while it waits in the mempool, counts as told."""
    await _turn(place)
    tx = await devnet.bitcoind.pay(address, "0.001")
    await devnet.bitcoind.mine()
    mined = perf_counter()
    return await told.when(tx) - mined


async def _turn(place: int) -> None:
    """Payments come at all places between two looks of the node."""
    await asyncio.sleep(timedelta(milliseconds=_poll_ms() * (place % PLACES) // PLACES).total_seconds())
