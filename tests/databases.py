"""Fresh databases for tests, copied from one migrated template, on the embedded PostgreSQL or on a given one."""

import itertools
from pathlib import Path

import asyncpg

from node.database import Dsns, prepare_roles
from node.database.roles import in_database
from node.migrations.apply import apply_migrations

TEMPLATE = "coffer_test_template"


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
            await connection.execute(statement)
        finally:
            await connection.close()
