"""Make room for the rows of the next days, under the owner's role."""

from node.database.primary import connect_primary
from node.migrations.apply import prepare_partitions


async def prepare_next_partitions(owner_dsn: str) -> None:
    connection = await connect_primary(owner_dsn)
    try:
        await prepare_partitions(connection)
    finally:
        await connection.close()
