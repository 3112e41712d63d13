"""A node as a process of its own, with all its parts, that tests kill."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from sqlalchemy import select, text

from node.compose import compose_beside, look_at_database
from node.config import Config, read_config
from node.devnet.networks import Devnet, write_configuration
from node.processes import Child, attempts, free_port, start_child
from tests.nodes.client import Client
from wallet import schema
from wallet.access.keys import OPERATOR_SCOPES, create_key, create_operator
from wallet.context import Context
from wallet.deposits.cursor import read_cursor
from wallet.ids import NetworkId
from wallet.ledger.reconcile import positions
from wallet.proofs.verify import verify
from wallet.treasury.sources import house_address

READY_WITHIN_S = 60.0
SETTLED_WITHIN_S = 120.0  # on busy cores; a quiet machine needs a tenth
CUSTOMER_SCOPES = ["read", "receive", "pay", "withdraw"]
ENDED = frozenset({"final", "rejected", "cancelled", "failed", "dead", "returned"})


async def ready(child: Child, http: aiohttp.ClientSession, url: str, within_s: float) -> None:
    """Returns when the node says that it can do its work. Raises `ChildEnded`, `NotReady`."""

    async def is_ready() -> bool:
        try:
            async with http.get(url + "/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    await child.ready(is_ready, within_s)


async def exit_status(child: Child, within_s: float) -> int | None:
    """Of one that ends by itself; None where it is still alive after the bound."""
    async for _ in attempts(within_s):
        if not child.running():
            return child.process.returncode
    return None


@dataclass(slots=True)
class NodeProcess:
    """`python -m node run` on one folder: started, killed and started again. Its database is killed with it."""

    config_file: Path
    config: Config
    url: str
    _child: Child | None = None

    @classmethod
    def beside(cls, devnet: Devnet, folder: Path) -> "NodeProcess":
        listen = f"127.0.0.1:{free_port()}"
        config_file = write_configuration(devnet, folder, listen, poll_ms=100)
        return cls(config_file, read_config(config_file, {}), f"http://{listen}")

    async def start(self, http: aiohttp.ClientSession, crash_at: str | None = None) -> None:
        """Returns when it is ready. Raises `ChildEnded`, `NotReady`."""
        command = [sys.executable, "-m", "node", "run", "--config", str(self.config_file)]
        environment = {"COFFER_CRASH_AT": crash_at} if crash_at else {}
        log = self.config_file.with_name("output.log")
        self._child = start_child("node", command, log=log, environment=environment)
        await ready(self._child, http, self.url, READY_WITHIN_S)

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    async def died(self, within_s: float) -> int | None:
        """Its exit status, or None where it is still alive after the bound."""
        assert self._child is not None
        return await exit_status(self._child, within_s)

    async def kill(self) -> None:
        """As a power cut would."""
        if self._child is not None:
            await self._child.stop(signal.SIGKILL)

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()

    @asynccontextmanager
    async def look(self) -> AsyncIterator["Books"]:
        """The database of the running node."""
        async with look_at_database(self.config, {}) as dsns, compose_beside(self.config, dsns) as context:
            yield Books(context, dsns.books)


@dataclass(frozen=True, slots=True)
class Books:
    """What a node has written down."""

    context: Context
    dsn: str = field(repr=False)

    async def rows(self, table: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.context.all(select(table).order_by(table.c.id))]

    async def forget_leases(self) -> None:
        """A killed process keeps its leases for seconds, in which the next one waits. Nothing but time rests on them."""
        async with self.context.ops.begin() as connection:
            await connection.execute(text("DELETE FROM leases"))

    async def operator(self) -> str:
        """The secret of a new operator's key."""
        made = await create_operator(self.context, "test", "operator")
        _, secret = await create_key(self.context, "test", str(made.result["id"]), OPERATOR_SCOPES, "test")
        assert secret is not None
        return secret

    async def hot(self, network: str) -> str:
        return (await house_address(self.context, NetworkId(network))).address

    async def settled(self, deposits: int, *, swept: bool = True) -> None:
        """Returns when so many deposits are credited (and swept, unless that does not matter) and nothing is open."""
        unfinished: list[object] = []
        async for _ in attempts(SETTLED_WITHIN_S, 0.1):
            unfinished = await self._unfinished(deposits, swept=swept)
            if not unfinished:
                return
        raise AssertionError(f"still open: {unfinished[:10]}")

    async def _unfinished(self, expected: int, *, swept: bool) -> list[object]:
        deposits = await self.rows(schema.deposits)
        left: list[object] = [] if len(deposits) == expected else [f"{len(deposits)} deposits of {expected}"]
        left += [(row["id"], row["state"], row["reason"]) for row in deposits if row["state"] != "credited"]
        left += [
            (row["id"], "not swept")
            for row in deposits
            if swept and row["network"] == "ethereum" and row["owner"] != "house" and row["swept_by"] is None
        ]
        for table in (schema.withdrawals, schema.submissions):
            left += [(r["id"], r["state"], r["reason"]) for r in await self.rows(table) if r["state"] not in ENDED]
        return left

    async def scanned_to_the_tip(self) -> None:
        """Returns when no block is unseen; nobody may be mining."""
        async for _ in attempts(SETTLED_WITHIN_S, 0.1):
            if all([await self._at_tip(name) for name in self.context.networks]):
                return
        raise AssertionError("a network is not scanned to its tip")

    async def _at_tip(self, name: NetworkId) -> bool:
        cursor = await read_cursor(self.context, name)
        return cursor is not None and cursor.height == (await self.context.networks[name].tip()).height

    async def prove(self) -> None:
        """Each asset agrees with its network to the last unit, and the journal replays."""
        wrong = {p.asset: p.view() for p in await positions(self.context) if p.difference or p.in_transit}
        assert not wrong, wrong
        connection = await asyncpg.connect(self.dsn)
        try:
            await verify(connection)
        finally:
            await connection.close()


async def open_customer(operator: Client, handle: str) -> tuple[Client, dict[str, str]]:
    """A customer's own client, and their address on each network."""
    customer = await operator.make("/v1/customers", {"handle": f"@{handle}", "name": handle}, f"make-{handle}")
    asked = {"owner": customer["id"], "scopes": CUSTOMER_SCOPES, "label": "test"}
    key = await operator.make("/v1/api-keys", asked, f"key-{handle}")
    client = Client(operator.http, operator.url, key["secret"])
    made = await asyncio.gather(
        *(client.make("/v1/addresses", {"network": n}, f"{handle}-{n}") for n in ("sepa", "bitcoin", "ethereum"))
    )
    return client, {address["network"]: address["address"] for address in made}


async def open_platform(operator: Client, customer: Client) -> tuple[Client, Client]:
    """The customer's client as a platform, and that of its sub-account with the reference `ann`."""
    _, me = await customer.insist("GET", "/v1/me")
    asked = {"owner": me["customer"]["id"], "scopes": [*CUSTOMER_SCOPES, "platform"], "label": "platform"}
    key = await operator.make("/v1/api-keys", asked, "key-platform")
    platform = Client(operator.http, operator.url, key["secret"])
    made = await platform.make("/v1/customers/batch", {"items": [{"reference": "ann", "addresses": []}]}, "make-ann")
    asked = {"owner": made["items"][0]["id"], "scopes": CUSTOMER_SCOPES, "label": "test"}
    own = await operator.make("/v1/api-keys", asked, "key-ann")
    return platform, Client(operator.http, operator.url, own["secret"])
