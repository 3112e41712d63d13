"""The ways in which money moves, and the points that each of them passes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

from node.devnet.networks import Devnet
from node.processes import attempts
from tests.nodes.client import Client
from tests.nodes.process import Books, NodeProcess

BLOCK_EVERY_S = 0.2
FIRST_BLOCK_WITHIN_S = 60.0
IBAN = "DE02120300000000202051"  # an example account of a German test bank
PAYER_IBAN = "DE75512108001245126199"

_JOURNAL = ("journal.before_write", "journal.before_commit", "journal.after_commit")
_JOURNAL_TWICE = (*_JOURNAL, *(f"{point}:2" for point in _JOURNAL))  # an order of two requests
_ARRIVAL = (*_JOURNAL, "deposit.after_detect", "scan.before_cursor", "deposit.after_credit")
_GROWTH = (*_JOURNAL, "deposit.after_detect", "growth.before_pass", "deposit.after_credit")
_STATEMENT = ("statement.before_append", "statement.after_append")
_SUBMISSION = (
    "withdrawal.after_sign",
    "withdrawal.after_prepare",
    "withdrawal.after_store",
    "withdrawal.after_submit",
    "withdrawal.after_record",
    "withdrawal.before_settle",
    "withdrawal.after_settle",
)
_BEGINNING = ("withdrawal.after_request", "withdrawal.after_check", "withdrawal.after_reserve")
_DEPARTURE = (*_JOURNAL, *_BEGINNING, *_SUBMISSION, "scan.before_cursor")


@dataclass(frozen=True, slots=True)
class Flow:
    """One order or one arrival of `amount`, a decimal text. Deposits on Ethereum pass the submission's points in their
    sweeps, and withdrawals from the bank the statement's. What stays inside the books goes from Alice to Bob, or between her
    and her sub-account Ann where a platform moves it."""

    network: str | None
    asset: str
    amount: str
    points: tuple[str, ...]
    ann_gets: str = "0"

    @property
    def inside(self) -> bool:
        return self.network is None

    def then(self, point: str) -> str | None:
        """A point that what is left to do after a death at this one passes for certain, soon after the restart."""
        if self.inside:
            return None if "after_commit" in point else point.partition(":")[0]
        steps = [
            p for p in self.points if p.startswith(("deposit.", "withdrawal.")) and p != "withdrawal.after_request"
        ]
        if point in steps:
            return next(iter(steps[steps.index(point) + 1 :]), None)
        if point.startswith(("scan.", "growth.", "statement.")):
            return "deposit.after_credit" if "deposit.after_credit" in steps else "withdrawal.before_settle"
        return steps[0]


FLOWS = {
    "deposit_sepa": Flow("sepa", "EUR", "12.34", (*_ARRIVAL, *_STATEMENT)),
    "deposit_bitcoin": Flow("bitcoin", "BTC", "0.01234567", _ARRIVAL),
    "deposit_ether": Flow("ethereum", "ETH", "0.1", (*_ARRIVAL, *_SUBMISSION)),
    "deposit_growth": Flow("ethereum", "ETH", "0.1", (*_GROWTH, *_SUBMISSION)),
    "deposit_token": Flow("ethereum", "DUSD", "12.345678", (*_ARRIVAL, *_SUBMISSION)),
    "payment": Flow(None, "EUR", "1.23", _JOURNAL),
    "payment_batch": Flow(None, "EUR", "1.23", _JOURNAL),
    "hold": Flow(None, "EUR", "1.23", _JOURNAL_TWICE, ann_gets="-1.23"),
    "settlement": Flow(None, "EUR", "1.23", _JOURNAL, ann_gets="1.23"),
    "withdraw_sepa": Flow("sepa", "EUR", "5.67", (*_DEPARTURE, *_STATEMENT)),
    "withdraw_bitcoin": Flow("bitcoin", "BTC", "0.00123456", _DEPARTURE),
    "withdraw_ether": Flow("ethereum", "ETH", "0.012345", _DEPARTURE),
    "withdraw_token": Flow("ethereum", "DUSD", "3.456789", _DEPARTURE),
}
DECIMALS = {"EUR": 2, "BTC": 8, "ETH": 18, "DUSD": 6}


def units(asset: str, amount: str) -> int:
    return int(Decimal(amount).scaleb(DECIMALS[asset]))


@dataclass(slots=True)
class Scene:
    """Networks on which nothing happens by itself, a node in a process of its own, two customers with money. `deposits`
    counts everything that was paid in."""

    devnet: Devnet
    node: NodeProcess
    http: aiohttp.ClientSession
    alice: Client
    bob: Client
    ann: Client
    addresses: dict[str, str]
    deposits: int = 0
    outside: dict[str, str] = field(default_factory=dict)

    async def pay_in(self, asset: str, amount: str, address: str | None = None) -> None:
        """From outside the node; on Bitcoin it lies in the mempool afterwards, elsewhere in a block."""
        await pay_in(self.devnet, asset, amount, address or self.addresses[NETWORK_OF[asset]])
        self.deposits += 1

    async def grow(self, amount: str) -> None:
        """Ether comes without a tx, as a block's reward does."""
        address, anvil = self.addresses["ethereum"], self.devnet.anvil
        await anvil.rpc("anvil_setBalance", address, hex(await ether_of(self.devnet, address) + units("ETH", amount)))
        await anvil.mine()
        self.deposits += 1

    async def stock(self, books: Books, money: Mapping[str, str]) -> None:
        """Gas for the node and money for alice, credited."""
        await pay_in(self.devnet, "ETH", "2", await books.hot("ethereum"))
        self.deposits += 1
        for asset, amount in money.items():
            await self.pay_in(asset, amount)
        async with self.blocks(None):
            await books.settled(self.deposits)

    async def order(self, name: str, key: str) -> Any:
        """What the node answers to a payment or a withdrawal, repeated until it does."""
        flow = FLOWS[name]
        if flow.network is None:
            return await self._order_inside(name, key)
        destination = {"address": self.outside[flow.network]} | ({"name": "Bob"} if flow.network == "sepa" else {})
        body = {"network": flow.network, "asset": flow.asset, "amount": flow.amount, "destination": destination}
        return await self.alice.make("/v1/withdrawals", body, key)

    async def _order_inside(self, name: str, key: str) -> Any:
        flow = FLOWS[name]
        body: dict[str, object] = {"to": "@bob", "asset": flow.asset, "amount": flow.amount}
        match name:
            case "payment_batch":
                parts = [{**body, "key": f"{key}-{part}", "amount": part} for part in ("0.40", "0.41", "0.42")]
                made = await self.alice.make("/v1/payments/batch", {"items": parts}, key)
                assert [item["status"] for item in made["items"]] == [201] * 3, made
                return made
            case "hold":
                held = {"customer": "ref:ann", "asset": flow.asset, "amount": flow.amount}
                placed = await self.alice.make("/v1/holds", held, f"{key}-placed")
                return await self.alice.make(f"/v1/holds/{placed['id']}/settle", {"to": "self"}, f"{key}-settled")
            case "settlement":
                there = {"from": "self", "to": "ref:ann", "asset": flow.asset, "amount": "2.00"}
                back = {"from": "ref:ann", "to": "self", "asset": flow.asset, "amount": "0.77"}
                return await self.alice.make("/v1/settlements", {"legs": [there, back]}, key)
            case _:
                return await self.alice.make("/v1/payments", body, key)

    async def renew_outside(self) -> None:
        """Addresses that have received nothing."""
        fresh = "0x" + secrets.token_hex(20)
        self.outside = {"sepa": IBAN, "bitcoin": await self.devnet.bitcoind.new_address(), "ethereum": fresh}

    async def received(self, flow: Flow) -> int:
        """What the world outside has got from the node, in base units: on addresses that are new, or from the bank in all."""
        match flow.asset:
            case "EUR":
                return -bank_balance(self.devnet)
            case "BTC":
                return await bitcoin_received(self.devnet, self.outside["bitcoin"])
            case "ETH":
                return await ether_of(self.devnet, self.outside["ethereum"])
            case _:
                return await dev_dollars_of(self.devnet, self.outside["ethereum"])

    async def first_block(self, flow: Flow, height: int) -> None:
        """Returns when what the flow sends lies before the miners, so that the next block that the node scans has it."""
        async for _ in attempts(FIRST_BLOCK_WITHIN_S):
            if not self.node.running() or await self._is_sent(flow, height):
                return

    async def _is_sent(self, flow: Flow, height: int) -> bool:
        match flow.network:
            case "bitcoin":
                return bool(await self.devnet.bitcoind.rpc("getrawmempool"))
            case "ethereum":
                return await self.height() > height
            case _:
                return True

    async def height(self) -> int:
        return int(await self.devnet.anvil.rpc("eth_blockNumber"), 16)

    @asynccontextmanager
    async def blocks(self, network: str | None) -> AsyncIterator[None]:
        """This network (all of them, without one) goes on while the block runs."""
        working = asyncio.create_task(self._go_on(network), name="blocks")
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def _go_on(self, network: str | None) -> None:
        while True:
            if network in (None, "ethereum"):
                await self.devnet.anvil.mine()
            if network in (None, "bitcoin"):
                await self.devnet.bitcoind.mine()
            if network in (None, "sepa"):
                await asyncio.to_thread(self.devnet.bank.work)
            await asyncio.sleep(BLOCK_EVERY_S)


NETWORK_OF = {"EUR": "sepa", "BTC": "bitcoin", "ETH": "ethereum", "DUSD": "ethereum"}


async def pay_in(devnet: Devnet, asset: str, amount: str, address: str) -> None:
    match asset:
        case "EUR":
            await asyncio.to_thread(devnet.bank.pay_in, "Alice Example", PAYER_IBAN, units(asset, amount), address)
        case "BTC":
            await devnet.bitcoind.pay(address, amount)
        case "ETH":
            await devnet.outside.send_ether(address, units(asset, amount), account=1)
        case _:
            await devnet.outside.mint_dev_dollars(address, units(asset, amount), account=2)


def bank_balance(devnet: Devnet) -> int:
    """In cents, as the bank itself has it."""
    return int(msgspec.json.decode((devnet.folder / "bank-private/books.json").read_bytes())["balance_units"])


async def bitcoin_received(devnet: Devnet, address: str) -> int:
    """All that ever arrived in a block: the outside wallet may have spent it since."""
    received = await devnet.bitcoind.rpc("getreceivedbyaddress", address, 1, wallet="outside")
    return units("BTC", format(Decimal(repr(received)), "f"))


async def ether_of(devnet: Devnet, address: str) -> int:
    return int(await devnet.anvil.rpc("eth_getBalance", address, "latest"), 16)


async def dev_dollars_of(devnet: Devnet, address: str) -> int:
    call = {"to": devnet.dev_dollar, "data": "0x70a08231" + address[2:].rjust(64, "0")}
    return int(await devnet.anvil.rpc("eth_call", call, "latest"), 16)
