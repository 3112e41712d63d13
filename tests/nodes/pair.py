"""Two node processes with the API on one database and one signer, for whatever two of them could do to each other.

They have one bank account and no chains: nothing but the books moves. Money is put into the books by a Change of our own.
"""

import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from chains.signer_client import SignerClient
from node.clock import SystemClock
from node.compose import compose_beside, journal_key, make_private, short_folder, signer_socket
from node.config import Config, read_config
from node.database import Dsns
from node.processes import Child, free_port, start_child
from tests.nodes.client import Client
from tests.nodes.process import exit_status, ready
from wallet.access.keys import OPERATOR_SCOPES, create_key, create_operator
from wallet.ids import CustomerId, NetworkId
from wallet.journal import Change, EventKind, Journal
from wallet.ledger import templates
from wallet.money import Amount, Asset
from wallet.ports import SignerUnavailable

EUR = Asset("EUR", 2)
BANK = NetworkId("sepa")
IBAN = "DE89370400440532013000"  # the example of the German IBAN registry: belongs to nobody
SCOPES = ["read", "receive", "pay", "withdraw"]
READY_WITHIN_S = 300.0  # a restart among hundreds, on a machine that does much else


@dataclass(slots=True)
class ApiProcess:
    """`coffer run --role api` on a port of its own, the same one at every start."""

    name: str
    config_file: Path
    port: int
    environment: Mapping[str, str] = field(repr=False)
    starts: int = 0
    _child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    async def start(self, http: aiohttp.ClientSession, extra: Mapping[str, str] | None = None) -> None:
        """Returns when it is ready. Raises `ChildEnded`, `NotReady`."""
        command = [sys.executable, "-m", "node", "run", "--role", "api", "--config", str(self.config_file)]
        own = {**self.environment, "COFFER__NODE__LISTEN": f"127.0.0.1:{self.port}", **(extra or {})}
        self._child = start_child(
            self.name, command, log=self.config_file.with_name(f"{self.name}.log"), environment=own
        )
        self.starts += 1
        await ready(self._child, http, self.url, READY_WITHIN_S)

    async def died(self, within_s: float) -> int | None:
        """Its exit status, or None where it is still alive after the bound."""
        assert self._child is not None
        return await exit_status(self._child, within_s)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._child is not None:
            await self._child.stop(how)


@dataclass(frozen=True, slots=True)
class Person:
    """A customer with a key that both nodes take."""

    id: CustomerId
    handle: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NodePair:
    one: ApiProcess
    other: ApiProcess
    http: aiohttp.ClientSession
    config: Config
    dsns: Dsns
    journal: Journal
    operator: Client

    @property
    def nodes(self) -> tuple[ApiProcess, ApiProcess]:
        return self.one, self.other

    async def person(self, handle: str, units: int = 0) -> Person:
        """A new customer with so many cents."""
        made = await self.operator.make("/v1/customers", {"handle": f"@{handle}", "name": handle}, f"make-{handle}")
        asked = {"owner": made["id"], "scopes": SCOPES, "label": "test"}
        key = await self.operator.make("/v1/api-keys", asked, f"key-{handle}")
        if units:
            await self.fund(CustomerId(made["id"]), units)
        return Person(CustomerId(made["id"]), handle, key["secret"])

    async def fund(self, owner: CustomerId, units: int) -> None:
        entry = templates.deposit_credited(owner, BANK, Amount(units, EUR), swept_later=False)
        told = {"owner": owner, "units": str(units)}
        await self.journal.commit(Change("test", EventKind.DEPOSIT_CREDITED, told, entry=entry, viewers=(owner,)))

    def client(self, person: Person, node: ApiProcess) -> Client:
        return Client(self.http, node.url, person.secret)


@asynccontextmanager
async def running_pair(dsns: Dsns, folder: Path) -> AsyncIterator[NodePair]:
    """Both are ready; they and the signer end with the block."""
    config_file = _write_configuration(folder)
    config = read_config(config_file, {})
    given = {"COFFER_DATABASE_URL": dsns.owner, "COFFER_BOOKS_URL": dsns.books, "COFFER_OPS_URL": dsns.ops}
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        await stack.enter_async_context(_signer(config, folder))
        one, other = (ApiProcess(name, config_file, free_port(), given) for name in ("one", "other"))
        for node in (one, other):  # one after the other: the first makes the folder's keys
            stack.push_async_callback(node.stop)
            await node.start(http)
        journal = Journal(dsns.books, SystemClock(), journal_key(config))
        await journal.start()
        stack.push_async_callback(journal.stop)
        operator = Client(http, one.url, await _operator(config, dsns))
        yield NodePair(one, other, http, config, dsns, journal, operator)


async def _operator(config: Config, dsns: Dsns) -> str:
    async with compose_beside(config, dsns) as context:
        made = await create_operator(context, "test", "operator")
        _, secret = await create_key(context, "test", str(made.result["id"]), OPERATOR_SCOPES, "test")
    assert secret is not None
    return secret


@asynccontextmanager
async def _signer(config: Config, folder: Path) -> AsyncIterator[None]:
    client = SignerClient(signer_socket(config))
    command = [sys.executable, "-m", "chains.signer", "--config", str(folder / "signer.toml")]
    child = start_child("signer", command, log=folder / "signer.log")

    async def answers() -> bool:
        try:
            await client.status()
        except SignerUnavailable:
            return False
        return True

    try:
        await child.ready(answers, READY_WITHIN_S)
        yield
    finally:
        await child.stop()


def _write_configuration(folder: Path) -> Path:
    make_private(folder)
    for name in ("in", "out", "refused", ".staged"):
        (folder / "bank" / name).mkdir(parents=True, exist_ok=True)
    socket = short_folder(folder) / "signer.sock"
    config, signer = folder / "coffer.toml", folder / "signer.toml"
    for file in (config, signer):
        file.touch(mode=0o600)
    config.write_text(
        f"""[node]
mode = "dev"
folder = "data"
[networks.sepa]
kind = "sepa"
folder = "{folder / "bank"}"
iban = "{IBAN}"
holder_name = "Coffer Test"
[networks.sepa.assets]
EUR = {{ decimals = 2 }}
[signer]
socket = "{socket}"
""",
        encoding="utf-8",
    )
    signer.write_text(
        f"""[signer]
folder = "signer"
socket = "{socket}"
passphrase_file = "signer/passphrase"
dev = true
[networks.sepa]
kind = "sepa"
iban = "{IBAN}"
window_s = 86400
[networks.sepa.assets.EUR]
decimals = 2
submission_max = "10000.00"
window_max = "50000.00"
""",
        encoding="utf-8",
    )
    return config
