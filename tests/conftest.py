"""Real nodes for tests, one of each per run. A part that cannot be had fails the run in one line; nothing is skipped."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.devnet.anvil import Anvil, find_anvil
from node.devnet.bitcoind import Bitcoind, find_bitcoind


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
