"""What several reads say together is of one moment; what one read says is of now."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from tests.fakes.world import World
from tests.integration.wallet.changes import ALICE, credited
from wallet import schema

_HEAD = select(schema.journal_head.c.seq)


async def test_all_reads_of_a_snapshot_are_of_one_moment(world: World) -> None:
    context = world.context
    async with context.snapshot() as connection:
        first = (await connection.execute(_HEAD)).scalar_one()
        await context.journal.commit(credited(ALICE, 100))
        assert (await connection.execute(_HEAD)).scalar_one() == first
        alone = await context.one(_HEAD)
        assert alone is not None
        assert alone["seq"] == first + 1
    async with context.snapshot() as connection:
        assert (await connection.execute(_HEAD)).scalar_one() == first + 1


async def test_nothing_is_written_in_a_snapshot_and_what_follows_on_its_connection_stands_alone(world: World) -> None:
    async with world.context.snapshot() as connection:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await connection.execute(text("DELETE FROM journal_viewers"))
    for _ in range(10):  # each connection of the pool in turn
        rows = await world.context.all(text("SELECT current_setting('transaction_isolation') AS level"))
        assert rows == [{"level": "read committed"}]
