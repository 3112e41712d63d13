from collections.abc import AsyncIterator

import pytest

from node.database import Dsns
from tests.integration.wallet.changes import running
from wallet.journal import Journal


@pytest.fixture
async def journal(dsns: Dsns) -> AsyncIterator[Journal]:
    async with running(dsns.books) as made:
        yield made
