"""One node with a page, shared by the folder."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.databases import FreshDatabases
from tests.fakes.world import World, running_world
from tests.integration.api.client import Client, serving


@dataclass(frozen=True, slots=True)
class PageNode:
    world: World
    client: Client

    def link(self, secret: str) -> str:
        return f"{self.client.url}/live?token={secret}"


@pytest.fixture(scope="package")
async def page_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PageNode]:
    dsns = await databases.migrated()
    async with running_world(dsns, tmp_path_factory.mktemp("page")) as world, serving(world.context) as client:
        yield PageNode(world, client)
    await databases.drop(dsns.owner)
