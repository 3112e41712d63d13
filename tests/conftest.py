"""Real nodes for tests, one of each per run. A part that cannot be had fails the run in one line; nothing is skipped."""

import os
import sys
from collections.abc import AsyncIterator

import pytest

from node.database import Dsns, EmbeddedPostgres
from node.devnet.anvil import Anvil, find_anvil
from node.devnet.bitcoind import Bitcoind, find_bitcoind
from tests.databases import FreshDatabases


def say(line: str) -> None:
    """Progress of slow steps, past pytest's capture."""
    sys.__stderr__.write(f"{line}\n") if sys.__stderr__ is not None else None


@pytest.fixture(scope="session")
async def anvil(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Anvil]:
    """One shared chain that mines a block for each tx; mine more with `anvil.mine(n)`."""
    chain = Anvil(tmp_path_factory.mktemp("anvil"), find_anvil(), state=False)
    await chain.start()
    yield chain
    await chain.stop()


@pytest.fixture(scope="session")
async def bitcoind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bitcoind]:
    """One shared regtest chain of 110 blocks and more, with a funded wallet and no miner; mine with `bitcoind.mine(n)`."""
    node = Bitcoind(tmp_path_factory.mktemp("bitcoind"), find_bitcoind(say))
    await node.start()
    yield node
    await node.stop()


@pytest.fixture(scope="session")
async def databases(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FreshDatabases]:
    """One PostgreSQL for the run, with the settings of production; `COFFER_TEST_DATABASE_URL` gives another."""
    folder = tmp_path_factory.mktemp("postgres")
    given = os.environ.get("COFFER_TEST_DATABASE_URL")
    if given is not None:
        yield FreshDatabases(given, folder)
        return
    server = EmbeddedPostgres(folder)
    yield FreshDatabases(await server.start(), folder)
    await server.stop()


@pytest.fixture
async def dsns(databases: FreshDatabases) -> AsyncIterator[Dsns]:
    """A database of this test's own with the newest schema."""
    made = await databases.migrated()
    yield made
    await databases.drop(made.owner)


@pytest.fixture
async def postgres_url(databases: FreshDatabases) -> AsyncIterator[str]:
    """An empty database of this test's own, as its owner."""
    made = await databases.empty()
    yield made
    await databases.drop(made)
