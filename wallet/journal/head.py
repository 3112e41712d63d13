"""The head: where the journal stands. Its row is the lock that orders all writers."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

LOCK_HEAD = "SELECT seq, hash, at, fence FROM journal_head FOR UPDATE"
FENCE_HEAD = "UPDATE journal_head SET fence = fence + 1"


class BatchMismatch(Exception):
    """The database is not what a batch takes it to be. Nothing of the batch is kept."""


@dataclass(frozen=True, slots=True)
class Head:
    """The sequence, hash and time of the last journal row. `fence` has no meaning but to differ: it moves when somebody has
    given a statement up as lost, so that it cannot count if it arrives after all, and when requests were refused and nothing
    else, so that whoever judged meanwhile looks again."""

    seq: int
    hash: bytes
    at: datetime
    fence: int


async def lock_head(connection: asyncpg.Connection) -> Head:
    """In a statement of its own (READ COMMITTED): whatever is read after it sees what the last holder committed."""
    row = await connection.fetchrow(LOCK_HEAD)
    if row is None:
        raise BatchMismatch("journal_head is empty")
    return Head(row["seq"], bytes(row["hash"]), row["at"], row["fence"])
