"""How fast a node catches up after downtime: the real scan over a gap, on anvil and on bitcoind, into a real database.

Every hundredth block pays an address of ours. Each round walks the whole gap. `waiting_share` is
the share of the time in which the scan had nothing to do but wait for the next block (of the chain that waits more).
`verified`: every payment is in the books, once, with its amount.
"""

import argparse
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from bip32 import BIP32
from sqlalchemy import select

from chains.bitcoin.network import UtxoNetwork
from chains.evm.network import EvmNetwork
from node.clock import SystemClock
from node.compose import make_engine, make_reading_engine
from node.database import Dsns, EmbeddedPostgres
from node.devnet.anvil import CHAIN_ID, Anvil, find_anvil
from node.devnet.bitcoind import Bitcoind, find_bitcoind
from tests.bench.options import at_least
from tests.databases import FreshDatabases
from tests.fakes.signer import FakeSigner
from wallet import schema
from wallet.addresses.assign import assign_address
from wallet.addresses.book import StoredAddressBook
from wallet.context import ACTOR_NODE, Context
from wallet.customers.create import create_customer
from wallet.deposits.cursor import read_cursor
from wallet.deposits.read_ahead import read_ahead
from wallet.deposits.scan import scan
from wallet.ids import NetworkId, random_id
from wallet.journal.writer import Journal
from wallet.money import Asset
from wallet.networks.open import list_asset, open_network
from wallet.ports import Block, Listing, Network
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import Vault

Say = Callable[[str], None]

ROUNDS, BLOCKS, PAID_EVERY = 5, 10_000, 100  # a gap of a day and a half on Ethereum
ETH, BTC = Asset("ETH", 18), Asset("BTC", 8)
EVM, BITCOIN = NetworkId("ethereum"), NetworkId("bitcoin")
_SEED = BIP32.from_seed(b"a seed of benches alone, of no value.", network="test")
EVM_KEYS = " ".join(_SEED.get_xpub_from_path(f"m/44'/60'/{account}'") for account in (0, 1))
BITCOIN_KEYS = " ".join(_SEED.get_xpub_from_path(f"m/84'/1'/{account}'") for account in (0, 1))


@dataclass(slots=True)
class Waiting:
    """How long the scan waited for blocks."""

    s: float = 0.0

    async def read_ahead(self, blocks: AsyncIterator[Block]) -> AsyncGenerator[Block, None]:
        """As the scan's own, with a clock at its end."""
        reading = read_ahead(blocks)
        try:
            while True:
                started = perf_counter()
                try:
                    block = await anext(reading)
                except StopAsyncIteration:
                    return
                finally:
                    self.s += perf_counter() - started
                yield block
        finally:
            await reading.aclose()


@dataclass(frozen=True, slots=True)
class Chain:
    """`network` makes the adapter with an address book; `pay` pays a base amount to an address, `mine` makes blocks."""

    id: NetworkId
    asset: Asset
    keys: str
    network: Callable[[StoredAddressBook], Network]
    pay: Callable[[str], Awaitable[Any]]
    mine: Callable[[int], Awaitable[Any]]
    units: int


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--blocks", type=at_least(PAID_EVERY), default=BLOCKS, help="the gap")


async def measure(plan: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON."""
    busy = os.getloadavg()[0]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        anvil = Anvil(folder / "anvil", find_anvil(), state=False)
        bitcoind = Bitcoind(folder / "bitcoind", find_bitcoind(say))
        server = EmbeddedPostgres(folder / "postgres")
        databases = FreshDatabases(await server.start(), folder)
        stack.push_async_callback(server.stop)
        for node in (anvil, bitcoind):
            await node.start()
            stack.push_async_callback(node.stop)
        found = [
            await _caught_up(chain, databases, folder / chain.id, plan, say)
            for chain in (_evm(anvil), _bitcoin(bitcoind))
        ]
    evm, bitcoin = found
    figures = {
        "evm_blocks_per_s": round(evm["blocks_per_s"]),
        "bitcoin_blocks_per_s": round(bitcoin["blocks_per_s"]),
        "waiting_share": round(max(evm["waiting_share"], bitcoin["waiting_share"]), 2),
        "evm_waiting_share": round(evm["waiting_share"], 2),
        "bitcoin_waiting_share": round(bitcoin["waiting_share"], 2),
    }
    verified = bool(evm["verified"] and bitcoin["verified"])
    return {**figures, "verified": verified, "plan": vars(plan), "load_before": round(busy, 2)}


def _evm(anvil: Anvil) -> Chain:
    def network(book: StoredAddressBook) -> Network:
        return EvmNetwork(
            id=EVM,
            url=anvil.url,
            chain_id=CHAIN_ID,
            listings=[Listing(EVM, ETH, None, 18)],
            public_keys=EVM_KEYS,
            book=book,
            max_fee_per_gas_wei=10**12,
        )

    async def pay(address: str) -> None:
        await anvil.receipt(await anvil.pay(address, 10**15))

    return Chain(EVM, ETH, EVM_KEYS, network, pay, anvil.mine, 10**15)


def _bitcoin(bitcoind: Bitcoind) -> Chain:
    def network(book: StoredAddressBook) -> Network:
        return UtxoNetwork(
            id=BITCOIN,
            url=bitcoind.url,
            chain="regtest",
            confirmations=3,
            public_keys=BITCOIN_KEYS,
            book=book,
            listings=[Listing(BITCOIN, BTC, None, 8)],
            user=bitcoind.user,
            password=bitcoind.password,
        )

    async def pay(address: str) -> None:
        await bitcoind.pay(address, "0.001")
        await bitcoind.mine()

    return Chain(BITCOIN, BTC, BITCOIN_KEYS, network, pay, bitcoind.mine, 100_000)


async def _caught_up(
    chain: Chain, databases: FreshDatabases, folder: Path, plan: argparse.Namespace, say: Say
) -> dict[str, float]:
    """Medians over the rounds."""
    made = await databases.migrated()
    rates: list[float] = []
    waits: list[float] = []
    async with AsyncExitStack() as stack:
        context, network = await _opened(stack, chain, made, folder)
        address = await _address(context, chain)
        payments = await _gap(chain, address, plan.blocks, say)
        verified = True
        for number in range(plan.rounds):
            await _forget(context, chain)
            rate, share = await _walk(context, network)
            rates.append(rate)
            waits.append(share)
            verified = verified and await _found(context, chain) == payments
            say(f"{chain.id}  round {number + 1}  {rate:,.0f} blocks/s, {share:.0%} of the time waiting for the node")
    await databases.drop(made.owner)
    return {"blocks_per_s": median(rates), "waiting_share": median(waits), "verified": verified}


async def _opened(stack: AsyncExitStack, chain: Chain, dsns: Dsns, folder: Path) -> tuple[Context, Network]:
    reads, ops, clock = make_reading_engine(dsns.books), make_engine(dsns.ops), SystemClock()
    journal = Journal(dsns.books, clock)
    await journal.start()
    network = chain.network(StoredAddressBook(reads))
    for undo in (reads.dispose, ops.dispose, journal.stop, network.close):
        stack.push_async_callback(undo)
    assets, vault = {chain.asset.symbol: chain.asset}, Vault(PersonKeys(folder / "vault"))
    context = Context(journal, reads, ops, assets, {chain.id: network}, FakeSigner(), vault, clock, random_id)
    await list_asset(context, chain.asset)
    await open_network(context, network, "bench", chain.keys)
    return context, network


async def _address(context: Context, chain: Chain) -> str:
    customer = str((await create_customer(context, ACTOR_NODE, "gap", None, None)).result["id"])
    return str((await assign_address(context, ACTOR_NODE, customer, chain.id))["address"])


async def _gap(chain: Chain, address: str, blocks: int, say: Say) -> int:
    """Mines it; how many payments are in it."""
    payments, empty = blocks // PAID_EVERY, PAID_EVERY - 1
    for number in range(payments):
        await chain.pay(address)
        await chain.mine(empty)
        if number % 20 == 0:
            say(f"{chain.id}  {number * PAID_EVERY:,} of {blocks:,} blocks are mined")
    return payments


async def _forget(context: Context, chain: Chain) -> None:
    """The scan begins again where the network was opened, before the gap; from the second round on, the payments are known."""
    async with context.ops.begin() as connection:
        for table in (schema.scan_cursors, schema.scanned_blocks):
            await connection.execute(table.delete().where(table.c.network == chain.id))


async def _walk(context: Context, network: Network) -> tuple[float, float]:
    """Blocks a second, and the share of the time in which the scan waited."""
    waiting, started = Waiting(), perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wallet.deposits.scan.read_ahead", waiting.read_ahead)
        tip, cursor = (await scan(context, network))[0], await read_cursor(context, network.id)
        while cursor is None or cursor.height < tip.height:
            await scan(context, network)
            cursor = await read_cursor(context, network.id)
    took_s = perf_counter() - started
    row = await context.one(select(schema.networks.c.start_height).where(schema.networks.c.id == network.id))
    first = int(row["start_height"]) if row is not None else 0
    return (cursor.height - first + 1) / took_s, waiting.s / took_s


async def _found(context: Context, chain: Chain) -> int:
    table = schema.deposits
    rows = await context.all(select(table.c.units).where(table.c.network == chain.id))
    return sum(row["units"] == chain.units for row in rows)
