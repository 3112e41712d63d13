"""A node's core on a real database with fake networks, ready to use: what `node/compose.py` makes, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from node.clock import SystemClock
from node.compose import make_engine, make_reading_engine
from node.database import Dsns
from tests.fakes.network import ACCOUNTS, BANK, COINS, FakeNetwork
from tests.fakes.signer import FakeSigner
from wallet.access.keys import Scope, create_key, create_operator
from wallet.addresses.assign import assign_address, assign_house_address
from wallet.addresses.book import StoredAddressBook
from wallet.context import ACTOR_NODE, Context
from wallet.customers.create import create_customer
from wallet.deposits.confirm import confirm_deposits
from wallet.deposits.scan import scan
from wallet.ids import CustomerId, NetworkId, random_id
from wallet.journal.writer import Journal
from wallet.money import Asset, parse_amount
from wallet.networks.open import list_asset, open_network
from wallet.observations.record import observe_network
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import Vault

EUR, BTC, ETH, DUSD = Asset("EUR", 2), Asset("BTC", 8), Asset("ETH", 18), Asset("DUSD", 6)
ETHEREUM, BITCOIN, SEPA = NetworkId("ethereum"), NetworkId("bitcoin"), NetworkId("sepa")
ASSETS = {asset.symbol: asset for asset in (EUR, BTC, ETH, DUSD)}


@dataclass(frozen=True, slots=True)
class World:
    """`networks` and `signer` are the world's side of `context`, as fakes with switches."""

    context: Context
    networks: dict[NetworkId, FakeNetwork]
    signer: FakeSigner

    async def customer(self, handle: str, name: str | None = None) -> CustomerId:
        made = await create_customer(self.context, ACTOR_NODE, handle, name, None)
        return CustomerId(str(made.result["id"]))

    async def operator(self, handle: str) -> str:
        return str((await create_operator(self.context, ACTOR_NODE, handle)).result["id"])

    async def key(self, owner: str, *scopes: Scope) -> str:
        """The secret of a new API key."""
        _, secret = await create_key(self.context, ACTOR_NODE, owner, frozenset(scopes), "test")
        assert secret is not None
        return secret

    async def fund(self, owner: CustomerId, symbol: str, text: str) -> None:
        """A deposit from outside, seen, final and credited."""
        network = next(n for n in self.networks.values() if ASSETS[symbol] in n.assets)
        address = await assign_address(self.context, ACTOR_NODE, owner, network.id)
        network.pay_in(str(address["address"]), parse_amount(text, ASSETS[symbol]))
        network.mine(network.depth)
        await self.look(network.id)

    async def look(self, network: NetworkId) -> None:
        """What the workers of this network do in one round about deposits."""
        tip, final = await scan(self.context, self.networks[network])
        await observe_network(self.context, self.networks[network])
        await confirm_deposits(self.context, self.networks[network], tip, final)


@asynccontextmanager
async def running_world(dsns: Dsns, folder: Path) -> AsyncIterator[World]:
    """The first instance on a database: networks are opened, assets listed, house addresses assigned."""
    async with _context(dsns, folder, FakeSigner(), None) as world:
        for asset in ASSETS.values():
            await list_asset(world.context, asset)
        for network in world.networks.values():
            await open_network(world.context, network, "fake", "")
            await assign_house_address(world.context, network.id)
        yield world


@asynccontextmanager
async def second_instance(first: World, dsns: Dsns, folder: Path) -> AsyncIterator[World]:
    """Another process' view of the same node: its own Journal and connections, the same database, vault and networks."""
    async with _context(dsns, folder, first.signer, first.networks) as world:
        yield world


@asynccontextmanager
async def opened_world(
    dsns: Dsns, folder: Path, signer: FakeSigner, networks: dict[NetworkId, FakeNetwork]
) -> AsyncIterator[World]:
    """The same in a process of its own, on networks that were brought there."""
    async with _context(dsns, folder, signer, networks) as world:
        for network in networks.values():
            network.book = StoredAddressBook(world.context.reads)
        yield world


@asynccontextmanager
async def _context(
    dsns: Dsns, folder: Path, signer: FakeSigner, networks: dict[NetworkId, FakeNetwork] | None
) -> AsyncIterator[World]:
    clock = SystemClock()
    journal, reads, ops = Journal(dsns.books, clock), make_reading_engine(dsns.books), make_engine(dsns.ops)
    await journal.start()
    running = networks or _networks(StoredAddressBook(reads))
    vault = Vault(PersonKeys(folder / "vault"))
    yield World(
        Context(journal, reads, ops, dict(ASSETS), dict(running), signer, vault, clock, random_id), running, signer
    )
    await journal.stop()
    await reads.dispose()
    await ops.dispose()


def _networks(book: StoredAddressBook) -> dict[NetworkId, FakeNetwork]:
    made = (
        FakeNetwork(ETHEREUM, (ETH, DUSD), book, ACCOUNTS),
        FakeNetwork(BITCOIN, (BTC,), book, COINS),
        FakeNetwork(SEPA, (EUR,), book, BANK, depth=1),
    )
    return {network.id: network for network in made}
