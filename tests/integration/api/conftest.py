"""One node for the whole folder, with customers and keys. Tests make what they need beside it, under names of their own."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from node.database import Dsns
from tests.databases import FreshDatabases
from tests.fakes.world import World, running_world, second_instance
from tests.integration.api.client import Client, serving
from wallet.access.keys import CUSTOMER_SCOPES, OPERATOR_SCOPES, Scope
from wallet.ids import CustomerId

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """A customer with a key that may do everything."""

    id: CustomerId
    handle: str
    client: Client


@dataclass(frozen=True, slots=True)
class ApiNode:
    world: World
    dsns: Dsns
    anybody: Client
    operator: Client
    other_instance: Client

    async def person(self, **funds: str) -> Person:
        """A new customer, with these amounts credited from outside."""
        handle = f"person_{next(_numbers)}"
        owner = await self.world.customer(handle, name=f"Name of {handle}")
        for symbol, text in funds.items():
            await self.world.fund(owner, symbol, text)
        secret = await self.world.key(owner, *CUSTOMER_SCOPES)
        return Person(owner, handle, self.anybody.as_(secret))

    async def platform(self, **funds: str) -> Person:
        """A customer whose key may also act for sub-accounts of its own."""
        person = await self.person(**funds)
        secret = await self.world.key(person.id, *CUSTOMER_SCOPES, Scope.PLATFORM)
        return Person(person.id, person.handle, self.anybody.as_(secret))


@pytest.fixture(scope="package")
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    async with running_api(databases, tmp_path_factory) as node:
        yield node


@asynccontextmanager
async def running_api(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    """On books of its own. Tests whose Journals sign need these: an unsigned batch after a signed one is a broken chain."""
    dsns, folder = await databases.migrated(), tmp_path_factory.mktemp("api")
    async with (
        running_world(dsns, folder) as world,
        second_instance(world, dsns, folder) as other,
        serving(world.context) as client,
        serving(other.context) as other_client,
    ):
        secret = await world.key(await world.operator("op"), *OPERATOR_SCOPES)
        yield ApiNode(world, dsns, client, client.as_(secret), other_client)
    await databases.drop(dsns.owner)
