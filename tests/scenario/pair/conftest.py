"""One pair for the folder: two node processes on a database of their own."""

import itertools
from collections.abc import AsyncIterator

import pytest

from tests.databases import FreshDatabases
from tests.nodes.pair import NodePair, running_pair


@pytest.fixture(scope="package")
async def pair(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NodePair]:
    dsns = await databases.migrated()
    async with running_pair(dsns, tmp_path_factory.mktemp("pair")) as running:
        yield running
    await databases.drop(dsns.owner)


@pytest.fixture(scope="package")
def names() -> "itertools.count[int]":
    """Numbers for handles that nobody else has taken."""
    return itertools.count(1)
