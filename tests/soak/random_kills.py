"""Random kills: customers pay in, pay each other and withdraw on all networks while the node dies at moments that a seed
chooses. Every client repeats itself until it is answered, as a careful one does.

Afterwards each answer is asked for again and must be the same, everything has ended, the books are exact, and the world
outside has got what the books say, once.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from node.devnet.networks import Devnet, run_devnet
from tests.nodes.client import Client
from tests.nodes.process import Books, NodeProcess, open_customer
from tests.scenario.crashes.flows import (
    IBAN,
    NETWORK_OF,
    bank_balance,
    bitcoin_received,
    dev_dollars_of,
    ether_of,
    pay_in,
    units,
)
from wallet import schema

HANDLES = ("alice", "bob", "carol")
FIRST_MONEY = {"EUR": "500.00", "BTC": "0.5", "ETH": "2", "DUSD": "500"}  # so that few orders are refused
SPENDERS = 3
UP_S = (2.0, 10.0)  # how long the node lives between its kills
PAUSE_MAX_S = 0.8  # between a spender's orders
DEPOSIT_PAUSE_MAX_S = 1.5  # between arrivals

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    kills: int
    seed: int


@dataclass(frozen=True, slots=True)
class Order:
    """A request and its answer; asked again under its key it must be answered alike."""

    client: Client
    path: str
    body: dict[str, object]
    key: str
    answer: tuple[int, Any]


@dataclass(slots=True)
class Soak:
    """One run. `outside` are the addresses that withdrawals go to, by network; the bank's customers are counted in all."""

    devnet: Devnet
    node: NodeProcess
    http: aiohttp.ClientSession
    chance: random.Random
    say: Say
    customers: dict[str, Client] = field(default_factory=dict)
    addresses: dict[str, dict[str, str]] = field(default_factory=dict)
    outside: dict[str, str] = field(default_factory=dict)
    paid_in: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NETWORK_OF, 0))
    deposits: int = 0
    orders: list[Order] = field(default_factory=list)
    over: bool = False

    async def open(self) -> None:
        """The node runs, customers have addresses and first money, the operator has paid for gas."""
        await self.node.start(self.http)
        async with self.node.look() as books:
            operator = Client(self.http, self.node.url, await books.operator())
            hot = await books.hot("ethereum")
        for handle in HANDLES:
            self.customers[handle], self.addresses[handle] = await open_customer(operator, handle)
        self.outside = {
            "bitcoin": await self.devnet.bitcoind.new_address(),
            "ethereum": "0x" + secrets.token_hex(20),
            "sepa": IBAN,
        }
        await self._pay_in("ETH", "5", hot)
        await asyncio.gather(*(self._give_everybody(asset, amount) for asset, amount in FIRST_MONEY.items()))

    async def _give_everybody(self, asset: str, amount: str) -> None:
        for handle in HANDLES:
            await self._pay_in(asset, amount, self.addresses[handle][NETWORK_OF[asset]])

    async def money_moves(self, kills: int) -> None:
        """Until the node has been killed so often, and everybody has been answered."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._arrivals())
            for _ in range(SPENDERS):
                group.create_task(self._spend())
            await self._kill(kills)
            self.over = True

    async def _kill(self, kills: int) -> None:
        for number in range(1, kills + 1):
            await asyncio.sleep(self.chance.uniform(*UP_S))
            await self.node.kill()
            self.say(f"kill {number} of {kills}: {len(self.orders)} orders answered, {self.deposits} deposits sent")
            await self.node.start(self.http)

    async def _arrivals(self) -> None:
        while not self.over:
            asset = self.chance.choice(tuple(NETWORK_OF))
            most = {"EUR": 50_000, "BTC": 100_000, "ETH": 1_000, "DUSD": 1_000_000}[asset]
            places = {"EUR": 2, "BTC": 6, "ETH": 3, "DUSD": 3}[asset]
            amount = _decimal(self.chance.randint(most // 50, most), places)
            await self._pay_in(asset, amount, self.addresses[self.chance.choice(HANDLES)][NETWORK_OF[asset]])
            await asyncio.sleep(self.chance.uniform(0, DEPOSIT_PAUSE_MAX_S))

    async def _pay_in(self, asset: str, amount: str, address: str) -> None:
        await pay_in(self.devnet, asset, amount, address)
        self.paid_in[asset] += units(asset, amount)
        self.deposits += 1

    async def _spend(self) -> None:
        while not self.over:
            payer, payee = self.chance.sample(HANDLES, 2)
            path, body = self._payment(payee) if self.chance.random() < 0.4 else self._withdrawal()
            client, key = self.customers[payer], secrets.token_hex(8)
            self.orders.append(Order(client, path, body, key, await client.insist("POST", path, body, key)))
            await asyncio.sleep(self.chance.uniform(0, PAUSE_MAX_S))

    def _payment(self, payee: str) -> tuple[str, dict[str, object]]:
        return "/v1/payments", {"to": f"@{payee}", "asset": self.chance.choice(tuple(NETWORK_OF)), "amount": "0.01"}

    def _withdrawal(self) -> tuple[str, dict[str, object]]:
        asset = self.chance.choice(tuple(NETWORK_OF))
        network = NETWORK_OF[asset]
        low, high = {"EUR": (1, 50), "BTC": (100, 999), "ETH": (10, 99), "DUSD": (1, 30)}[asset]
        places = {"EUR": 0, "BTC": 5, "ETH": 3, "DUSD": 0}[asset]
        destination = {"address": self.outside[network]} | ({"name": "Bob"} if network == "sepa" else {})
        amount = _decimal(self.chance.randint(low, high), places)
        return "/v1/withdrawals", {"network": network, "asset": asset, "amount": amount, "destination": destination}

    async def wrong_answers(self) -> list[str]:
        """Orders whose repetition is answered otherwise than they were."""
        wrong = []
        for order in self.orders:
            again = await order.client.insist("POST", order.path, order.body, order.key)
            if again != order.answer:
                wrong.append(f"{order.path} {order.key}: first {order.answer}, then {again}")
        return wrong

    async def wrong_outside(self, withdrawals: Sequence[dict[str, Any]]) -> list[str]:
        """Assets of which the world has got something else than the final withdrawals say."""
        promised = dict.fromkeys(NETWORK_OF, 0)
        for row in withdrawals:
            promised[row["asset"]] += row["units"] if row["state"] == "final" else 0
        got = {
            "EUR": self.paid_in["EUR"] - bank_balance(self.devnet),
            "BTC": await bitcoin_received(self.devnet, self.outside["bitcoin"]),
            "ETH": await ether_of(self.devnet, self.outside["ethereum"]),
            "DUSD": await dev_dollars_of(self.devnet, self.outside["ethereum"]),
        }
        return [
            f"{asset}: promised {promised[asset]}, got {got[asset]}" for asset in got if got[asset] != promised[asset]
        ]


async def run_soak(plan: Plan, folder: Path, say: Say) -> dict[str, Any]:
    """What was counted; `ok` only if nothing is wrong. Raises `AssertionError` for books that do not agree."""
    began = time.monotonic()
    async with run_devnet(folder / "devnet", say) as devnet, aiohttp.ClientSession() as http:
        node = NodeProcess.beside(devnet, folder / "node")
        soak = Soak(devnet, node, http, random.Random(plan.seed), say)
        try:
            await soak.open()
            await soak.money_moves(plan.kills)
            say("quiet: everything comes to its end")
            async with node.look() as books:
                wrong, withdrawals = await _prove(soak, books)
        finally:
            await node.stop()
    for line in wrong:
        say(f"wrong: {line}")
    return {
        "ok": not wrong,
        "kills": plan.kills,
        "deposits": soak.deposits,
        "payments": sum(order.path == "/v1/payments" and order.answer[0] < 300 for order in soak.orders),
        "withdrawals": withdrawals,
        "refusals": sum(order.answer[0] >= 400 for order in soak.orders),
        "seconds": round(time.monotonic() - began, 1),
    }


async def _prove(soak: Soak, books: Books) -> tuple[list[str], int]:
    await books.settled(soak.deposits, swept=False)
    wrong = await soak.wrong_answers()
    await books.prove()
    withdrawals = await books.rows(schema.withdrawals)
    made = {order.answer[1]["id"] for order in soak.orders if "network_fee" in order.answer[1]}
    if made != {row["id"] for row in withdrawals}:
        wrong.append("the withdrawals in the books are not the ones that were answered")
    return wrong + await soak.wrong_outside(withdrawals), len(withdrawals)


def _decimal(count: int, places: int) -> str:
    """So many units of the last of `places` decimals, as a decimal text."""
    whole = str(count).rjust(places + 1, "0")
    return f"{whole[:-places]}.{whole[-places:]}" if places else whole
