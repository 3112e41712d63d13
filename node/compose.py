"""Put a node together: database, signer, journal, vault, networks. The only place that knows all of them.

Used by `coffer run` (everything), and by commands that only look (no journal, no signer process of their own).
"""

import hashlib
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chains.signer.settings import read_settings
from chains.signer_client import SignerClient
from node.build_networks import build_networks, kinds
from node.clock import SystemClock
from node.config import Config, ConfigRefused
from node.database import DatabaseUnavailable, Dsns, EmbeddedPostgres, prepare_roles, refuse_unsafe_settings
from node.database.primary import connect_primary
from node.journal_knowledge import JournalKnowledge
from node.migrations.apply import apply_migrations
from node.processes import Child, start_child
from wallet import schema
from wallet.addresses.assign import assign_house_address
from wallet.addresses.book import StoredAddressBook
from wallet.context import Context
from wallet.deposits.scan import refuse_other_chain
from wallet.durable import make_once
from wallet.ids import NetworkId, random_id
from wallet.journal.keys import list_journal_key
from wallet.journal.receipts import JournalKey
from wallet.journal.writer import Journal
from wallet.listings.adopt import adopt_tokens
from wallet.networks.open import list_asset, open_network
from wallet.ports import NetworkMismatch, Signer, SignerUnavailable
from wallet.treasury.rotation import follow_hot
from wallet.vault.keys import PersonKeys
from wallet.vault.vault import Vault

POOL_SIZE = 10  # connections for reading; the journal has one of its own
READING = {"application_name": "coffer", "lock_timeout": "5s"}  # then whoever asks is told to come again
SIGNER_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Database:
    dsns: Dsns
    embedded: EmbeddedPostgres | None


@asynccontextmanager
async def look_at_database(config: Config, environment: Mapping[str, str] = os.environ) -> AsyncIterator[Dsns]:
    """For commands: the database of a running node, or else opened for the time of the command."""
    if environment.get("COFFER_DATABASE_URL") is None:
        try:
            owner = EmbeddedPostgres(config.folder / "postgres").attach()
        except DatabaseUnavailable:
            pass
        else:
            yield await prepare_roles(owner, config.folder, environment)
            return
    async with open_database(config, environment) as database:
        yield database.dsns


@asynccontextmanager
async def open_database(config: Config, environment: Mapping[str, str] = os.environ) -> AsyncIterator[Database]:
    """The given server, or our own; with roles, safe settings and the newest schema."""
    make_private(config.folder)
    async with AsyncExitStack() as stack:
        embedded = None
        owner = environment.get("COFFER_DATABASE_URL")
        if owner is None:
            embedded = EmbeddedPostgres(config.folder / "postgres")
            owner = await embedded.start()
            stack.push_async_callback(embedded.stop)
        dsns = await prepare_roles(owner, config.folder, environment)
        connection = await connect_primary(dsns.books)
        try:
            await refuse_unsafe_settings(connection)
        finally:
            await connection.close()
        await apply_migrations(dsns.owner)
        yield Database(dsns, embedded)


@dataclass(frozen=True, slots=True)
class Signing:
    """A client of the signer, and its process where that is our child."""

    client: SignerClient
    child: Child | None

    async def ready(self) -> None:
        """Returns when our child answers. Raises `ChildEnded`, `NotReady`. One that runs alone may come later."""
        if self.child is not None:
            await self.child.ready(self._answers, SIGNER_WITHIN_S)

    async def _answers(self) -> bool:
        try:
            await self.client.status()
        except SignerUnavailable:
            return False
        return True


@asynccontextmanager
async def run_signer(config: Config) -> AsyncIterator[Signing]:
    """Starts the signer's process, or names the one that runs alone. Await `ready` before asking it."""
    client = SignerClient(signer_socket(config))
    if config.signer.socket is not None:
        yield Signing(client, None)
        return
    file = config.path(config.signer.config or "")
    if read_settings(file).passphrase_descriptor is not None:
        raise ConfigRefused(f"{file}: a signer that the node starts reads its passphrase from passphrase_file")
    command = [sys.executable, "-m", "chains.signer", "--config", str(file)]
    child = start_child("signer", command, log=config.folder / "signer.log")
    try:
        yield Signing(client, child)
    finally:
        await child.stop()


@asynccontextmanager
async def compose_beside(config: Config, dsns: Dsns) -> AsyncIterator[Context]:
    """A context for a command beside a running node: it may write and look, and opens nothing new."""
    async with AsyncExitStack() as stack:
        reads, ops = make_reading_engine(dsns.books), make_engine(dsns.ops)
        stack.push_async_callback(reads.dispose)
        stack.push_async_callback(ops.dispose)
        key = journal_key(config)
        journal = Journal(dsns.books, SystemClock(), key)
        await journal.start()
        stack.push_async_callback(journal.stop)
        keys = await _stored_keys(reads)
        known = config.model_copy(update={"networks": {n: s for n, s in config.networks.items() if n in keys}})
        signer = SignerClient(signer_socket(config))
        signer.show(JournalKnowledge(reads))
        context = assemble(known, journal, reads, ops, signer, keys)
        await list_journal_key(context, key.id)
        for network in context.networks.values():
            stack.push_async_callback(network.close)
            await adopt_tokens(context, network)
        yield context


@asynccontextmanager
async def compose(config: Config, dsns: Dsns, signer: Signer) -> AsyncIterator[Context]:
    """A context whose journal runs and whose networks are the ones of these books. Raises `NetworkMismatch` and the
    networks' errors in one line."""
    async with AsyncExitStack() as stack:
        reads, ops = make_reading_engine(dsns.books), make_engine(dsns.ops)
        stack.push_async_callback(reads.dispose)
        stack.push_async_callback(ops.dispose)
        key = journal_key(config)
        journal = Journal(dsns.books, SystemClock(), key)
        await journal.start()
        stack.push_async_callback(journal.stop)
        if isinstance(signer, SignerClient):
            signer.show(JournalKnowledge(reads))
        keys = await _public_keys(signer, reads, config)
        context = assemble(config, journal, reads, ops, signer, keys)
        await list_journal_key(context, key.id)
        for network in context.networks.values():
            stack.push_async_callback(network.close)
        await open_all(config, context, keys)
        yield context


def assemble(
    config: Config,
    journal: Journal,
    reads: AsyncEngine,
    ops: AsyncEngine,
    signer: Signer,
    keys: Mapping[str, str],
) -> Context:
    """Everything that use cases work with, out of parts that are already open. `keys` are the networks' public keys."""
    networks = build_networks(config, keys, StoredAddressBook(reads))
    context = Context(
        journal=journal,
        reads=reads,
        ops=ops,
        assets=config.assets(),
        networks=networks.adapters,
        signer=signer,
        vault=Vault(PersonKeys(config.folder / "vault")),
        clock=SystemClock(),
        new_id=random_id,
        safety_floor=config.safety_floor(),
    )
    networks.bind(context)
    return context


async def _public_keys(signer: Signer, reads: AsyncEngine, config: Config) -> Mapping[str, str]:
    """From the signer; while it cannot be asked, from the books, so that deposits go on being seen."""
    try:
        keys = await signer.public_keys()
    except SignerUnavailable:
        keys = await _stored_keys(reads)
    missing = sorted(set(config.networks) - set(keys))
    if missing:
        raise NetworkMismatch(f"the signer's policy does not name the network {missing[0]}")
    return keys


async def _stored_keys(reads: AsyncEngine) -> Mapping[str, str]:
    async with reads.connect() as connection:
        rows = (await connection.execute(select(schema.networks.c.id, schema.networks.c.public_keys))).all()
    return {row[0]: row[1] for row in rows}


def signer_socket(config: Config) -> Path:
    if config.signer.socket is not None:
        return config.path(config.signer.socket)
    return read_settings(config.path(config.signer.config or "")).socket


async def open_all(config: Config, context: Context, keys: Mapping[str, str]) -> None:
    for asset in context.assets.values():
        await list_asset(context, asset)
    for name, network in context.networks.items():
        await open_network(context, network, kinds(config)[name], keys[name])
        await adopt_tokens(context, network)
        await refuse_other_chain(context, network)
        await assign_house_address(context, NetworkId(name))
        await follow_hot(context, network)


def make_reading_engine(dsn: str) -> AsyncEngine:
    """For reads that stand alone: each is one statement and no transaction around it, which would cost two questions more, and
    two more for the look whether the line is there. Several that must agree are a `Context.snapshot`."""
    return make_engine(dsn, isolation_level="AUTOCOMMIT")


def make_engine(dsn: str, **options: str) -> AsyncEngine:
    """Connections for reading, to the primary only: what a copy that lags behind says decides nothing. None of them waits
    long for a table that somebody else has locked."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn, server_settings=READING, target_session_attrs=SessionAttribute.primary)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_pre_ping=True,
        hide_parameters=True,
        **options,
    )


def make_private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def kept_secret(file: Path) -> bytes:
    """32 bytes of our own, made at the first start, mode 0600. For cursors and the like; nothing moves money with it."""
    make_once(file, secrets.token_bytes(32))
    return file.read_bytes()


def journal_key(config: Config) -> JournalKey:
    """What this node signs receipts and heads with. It moves no money; who has it can only testify in the node's name."""
    return JournalKey.from_seed(kept_secret(config.folder / "journal.key"))


def short_folder(folder: Path) -> Path:
    """A private folder with a short path for sockets, the same one for the same folder: their paths have 107 bytes."""
    name = f"coffer-{hashlib.sha256(bytes(folder.absolute())).hexdigest()[:16]}-{os.geteuid()}-run"
    short = Path(tempfile.gettempdir()) / name
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise PermissionError(f"{short} was made by somebody else: remove it")
    return short
