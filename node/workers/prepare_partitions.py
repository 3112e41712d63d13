"""Make room for the rows of the next days, under the owner's role."""

import asyncpg

from node.migrations.apply import prepare_partitions


async def prepare_next_partitions(owner_dsn: str) -> None:
    connection = await asyncpg.connect(owner_dsn)
    try:
        await prepare_partitions(connection)
    finally:
        await connection.close()
