from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.database import Dsns
from tests.fakes.world import World, running_world
from tests.integration.wallet.changes import running
from wallet.journal import Journal


@pytest.fixture
async def journal(dsns: Dsns) -> AsyncIterator[Journal]:
    async with running(dsns.books) as made:
        yield made


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    """A node's core of this test's own, on fake networks."""
    async with running_world(dsns, tmp_path) as made:
        yield made
