"""Fresh databases for tests, copied from one migrated template, on the embedded PostgreSQL or on a given one."""

import itertools
from pathlib import Path

import asyncpg

from node.database import Dsns, prepare_roles
from node.database.roles import in_database
from node.migrations.apply import apply_migrations
from node.processes import attempts

TEMPLATE = "coffer_test_template"
AUTOVACUUM_WITHIN_S = 20.0


class FreshDatabases:
    """Makes and drops databases on one server. The names are taken again by the next run."""

    def __init__(self, owner_dsn: str, folder: Path) -> None:
        self.owner_dsn, self.folder = owner_dsn, folder
        self._numbers = itertools.count(1)
        self._template: Dsns | None = None

    async def empty(self) -> str:
        """The owner's connection string of a new database with nothing in it."""
        name = f"coffer_test_{next(self._numbers)}"
        await self._make(name, "template0")
        return in_database(self.owner_dsn, name)

    async def migrated(self) -> Dsns:
        """The three connection strings of a new database with the newest schema."""
        template = await self._migrated_template()
        name = f"coffer_test_{next(self._numbers)}"
        await self._make(name, TEMPLATE)
        return Dsns(*(in_database(dsn, name) for dsn in (template.owner, template.books, template.ops)))

    async def drop(self, dsn: str) -> None:
        await self._execute(f'DROP DATABASE IF EXISTS "{dsn.partition("?")[0].rpartition("/")[2]}" WITH (FORCE)')

    async def _migrated_template(self) -> Dsns:
        if self._template is None:
            await self._make(TEMPLATE, "template0")
            self._template = await prepare_roles(in_database(self.owner_dsn, TEMPLATE), self.folder)
            await apply_migrations(self._template.owner)
        return self._template

    async def _make(self, name: str, template: str) -> None:
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.owner_dsn)
        try:
            await _patiently(connection, statement)
        finally:
            await connection.close()


async def _patiently(connection: asyncpg.Connection, statement: str) -> None:
    """The server's own vacuum may be in the database that goes: the owner cannot end it, but it soon ends by itself."""
    async for _ in attempts(AUTOVACUUM_WITHIN_S):
        try:
            await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            continue
        return
    await connection.execute(statement)
