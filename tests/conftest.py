"""Real nodes for tests, one of each per run. A part that cannot be had fails the run in one line; nothing is skipped."""

import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from playwright.async_api import Browser

from node.database import Dsns, EmbeddedPostgres
from node.devnet.anvil import Anvil, find_anvil
from node.devnet.bitcoind import Bitcoind, find_bitcoind
from node.devnet.debian import ProgramUnavailable
from tests.browser import find_chromium, running_browser
from tests.databases import FreshDatabases
from tests.hledger import find_hledger

Program = TypeVar("Program")

KILLS = {"killed_at_a_point": "a point", "killed_again": "a point, and again while that is made good"}

settings.register_profile("coffer", deadline=None)  # a busy machine is no finding
settings.load_profile("coffer")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make test` runs a sample of the long families, `make test-all` every member (the marker `whole`)."""
    if os.environ.get("COFFER_TEST_ALL") == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("whole") is not None]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many pairs of a flow and a point were run, and how many of them ended as they must."""
    for words, where in KILLS.items():
        passed, failed = (
            sum(words in report.nodeid and report.when == "call" for report in terminalreporter.getreports(outcome))
            for outcome in ("passed", "failed")
        )
        if passed or failed:
            terminalreporter.write_line(
                f"killed at {where}: {passed + failed} pairs of flow and point, {passed} passed"
            )


def say(line: str) -> None:
    """Progress of slow steps, past pytest's capture."""
    if sys.__stderr__ is not None:
        sys.__stderr__.write(f"{line}\n")


def needed(find: Callable[[], Program]) -> Program:
    """A program that tests cannot do without: the run ends in one line where it cannot be had."""
    try:
        return find()
    except ProgramUnavailable as missing:
        pytest.exit(str(missing), returncode=1)


@pytest.fixture(scope="session")
async def anvil(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Anvil]:
    """One shared chain that mines a block for each tx; mine more with `anvil.mine(n)`."""
    chain = Anvil(tmp_path_factory.mktemp("anvil"), needed(find_anvil), state=False)
    await chain.start()
    yield chain
    await chain.stop()


@pytest.fixture(scope="session")
async def bitcoind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bitcoind]:
    """One shared regtest chain of 110 blocks and more, with a funded wallet and no miner; mine with `bitcoind.mine(n)`."""
    node = Bitcoind(tmp_path_factory.mktemp("bitcoind"), needed(lambda: find_bitcoind(say)))
    await node.start()
    yield node
    await node.stop()


def kept_folder() -> Path:
    """A given server outlives the run, and so do the passwords of its roles."""
    kept = Path(".coffer/test-database")
    kept.mkdir(parents=True, exist_ok=True)
    return kept


@pytest.fixture(scope="session")
async def databases(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FreshDatabases]:
    """One PostgreSQL for the run, with the settings of production; `COFFER_TEST_DATABASE_URL` gives another."""
    given = os.environ.get("COFFER_TEST_DATABASE_URL")
    if given is not None:
        if os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") != "1":
            pytest.exit("one given database server is for one process: make test PROCESSES=1", returncode=1)
        yield FreshDatabases(given, kept_folder())
        return
    folder = tmp_path_factory.mktemp("postgres")
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


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for the run; each test opens a context or page of its own."""
    async with running_browser(needed(lambda: find_chromium(say))) as opened:
        yield opened


@pytest.fixture(scope="session")
def hledger_program() -> Path:
    """Another's program that adds up what we export."""
    return needed(lambda: find_hledger(say))
