"""A node on real networks without loops of its own: tests say when it looks, when blocks come, when it is restarted."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import select

from chains.signer.settings import read_settings
from chains.signer.start import open_signer
from node.compose import compose
from node.config import read_config
from node.database import Dsns
from node.devnet.networks import Devnet, write_configuration
from node.workers.follow_network import follow_network
from node.workers.pay_withdrawals import pay_and_follow
from node.workers.sweep_deposits import sweep_network
from wallet import schema
from wallet.addresses.assign import assign_address, assign_house_address
from wallet.context import Context
from wallet.customers.create import create_customer
from wallet.deposits.announce import announce_deposits
from wallet.ids import CustomerId, NetworkId
from wallet.journal.change import Request
from wallet.ledger.balances import balances
from wallet.ledger.reconcile import positions
from wallet.money import parse_amount
from wallet.ports import Destination, Signer
from wallet.proofs.verify import verify
from wallet.withdrawals.request import request_withdrawal

ETHEREUM, BITCOIN, SEPA = NetworkId("ethereum"), NetworkId("bitcoin"), NetworkId("sepa")
STEPS_MAX = 60  # rounds of blocks and looks; every flow ends in far fewer


@dataclass(frozen=True, slots=True)
class House:
    """`devnet` are the networks outside, `context` the node's core. Blocks come from `mine`, looks from `step`."""

    devnet: Devnet
    context: Context
    dsns: Dsns

    async def customer(self, handle: str) -> CustomerId:
        made = await create_customer(self.context, "test", f"{handle}_{secrets.token_hex(3)}", None, None)
        return CustomerId(str(made.result["id"]))

    async def address(self, owner: str, network: NetworkId, kind: str | None = None) -> str:
        made = await assign_address(self.context, "test", owner, network, kind)
        return str(made["address"])

    async def hot(self, network: NetworkId) -> str:
        return str((await assign_house_address(self.context, network))["address"])

    async def mine(self, blocks: int = 1) -> None:
        await self.devnet.anvil.mine(blocks)
        await self.devnet.bitcoind.mine(blocks)

    async def step(self, *networks: NetworkId) -> None:
        """Every loop of these networks (of all, without any) does one step. Raises what the step raises."""
        for name in networks or tuple(self.context.networks):
            network = self.context.networks[name]
            await follow_network(self.context, network)
            await pay_and_follow(self.context, network)
            if network.capabilities.sweeps:
                await sweep_network(self.context, network, {})

    async def look(self) -> None:
        """What waits for a block is looked at once, on every network that shows it."""
        for network in self.context.networks.values():
            await announce_deposits(self.context, network)

    async def turn(self, *networks: NetworkId) -> None:
        """One block everywhere, one look of the bank, one step of the node."""
        await self.mine()
        await asyncio.to_thread(self.devnet.bank.work)
        await self.step(*networks)

    async def until(self, condition: Callable[[], Awaitable[bool]], *networks: NetworkId) -> None:
        """Blocks and looks until it holds; fails after `STEPS_MAX` rounds."""
        for _ in range(STEPS_MAX):
            await self.turn(*networks)
            if await condition():
                return
        raise AssertionError(f"still not so after {STEPS_MAX} rounds: {await self.open_things()}")

    async def settled(self, *networks: NetworkId) -> None:
        """Everything open has come to its end, and nothing new begins."""
        await self.until(self._is_quiet, *networks)

    async def _is_quiet(self) -> bool:
        return not await self.open_things() and all(p.in_transit == 0 for p in await positions(self.context))

    async def open_things(self) -> list[tuple[str, str]]:
        states = {
            schema.deposits: ("detected", "confirming"),
            schema.withdrawals: ("requested", "approved", "signed", "submitted", "included"),
            schema.submissions: ("reserved", "signed", "submitted", "included"),
        }
        found: list[tuple[str, str]] = []
        for table, words in states.items():
            found += [(row["id"], row["state"]) for row in await self.rows(table) if row["state"] in words]
        return found

    async def rows(self, table: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.context.all(select(table).order_by(table.c.id))]

    async def deposits(self) -> list[dict[str, Any]]:
        return await self.rows(schema.deposits)

    async def withdrawals(self) -> list[dict[str, Any]]:
        return await self.rows(schema.withdrawals)

    async def submissions(self) -> list[dict[str, Any]]:
        return await self.rows(schema.submissions)

    async def available(self, owner: CustomerId, asset: str) -> str:
        return next(b["available"] for b in await balances(self.context, owner) if b["asset"] == asset)

    async def withdraw(
        self, owner: CustomerId, network: NetworkId, asset: str, amount: str, to: Destination, key: str | None = None
    ) -> str:
        request = Request(owner, "withdrawal.request", key or secrets.token_hex(8), b"test")
        units = parse_amount(amount, self.context.asset(asset))
        made = await request_withdrawal(self.context, "test", owner, network, units, to, request)
        return str(made.result["id"])

    async def prove(self) -> None:
        """Every asset agrees with its network to the last unit, and the journal replays."""
        wrong = {p.asset: p.view() for p in await positions(self.context) if p.difference}
        assert not wrong, wrong
        connection = await asyncpg.connect(self.dsns.books)
        try:
            await verify(connection)
        finally:
            await connection.close()


@asynccontextmanager
async def open_house(
    devnet: Devnet,
    dsns: Dsns,
    folder: Path,
    signer: Signer | None = None,
    also: tuple[str, str] = ("", ""),
    environment: Mapping[str, str] | None = None,
    reconfigure: Callable[[], None] = lambda: None,
) -> AsyncIterator[House]:
    """A node on this database and folder; opened again on the same it goes on, as after a restart. The signer runs in this
    process: its memory and its judgement are the real ones, its process is tested elsewhere. `also` stands at the end of the
    node's and of the signer's file; `environment` overrides the configuration, as an operator's would,
    and `reconfigure` edits the files by hand."""
    file = write_configuration(devnet, folder, "127.0.0.1:1")
    for written, more in zip((file, folder / "signer.toml"), also, strict=True):
        written.write_text(f"{written.read_text(encoding='utf-8')}\n{more}", encoding="utf-8")
    reconfigure()
    config = read_config(file, environment or {})
    async with AsyncExitStack() as stack:
        if signer is None:
            signer = open_signer(read_settings(config.path("signer.toml")))
            close = getattr(signer, "close", None)
            if close is not None:
                stack.callback(close)
        config.folder.mkdir(mode=0o700, exist_ok=True)
        yield House(devnet, await stack.enter_async_context(compose(config, dsns, signer)), dsns)


def with_bank(devnet: Devnet, folder: Path) -> Devnet:
    """The same chains with a bank of one's own: a bank account belongs to one node."""
    from node.devnet.bank import DevelopmentBank  # noqa: PLC0415
    from node.devnet.networks import BANK_IBAN  # noqa: PLC0415

    bank = DevelopmentBank(folder / "bank", folder / "bank-private", iban=BANK_IBAN)
    return replace(devnet, folder=folder, bank=bank)
