"""The end of the journal as this process wrote it. A database that misses it is not the one that took it.

What this prevents: a fail-over to a standby that had not received everything (or an old backup put in its place) under a
running node, which would go on from there as if what it had answered with yes had never been.
"""

from dataclasses import dataclass

import asyncpg

from wallet.errors import JournalUnavailable
from wallet.journal.body import time_text
from wallet.journal.head import Head
from wallet.journal.receipts import SignedBatch


@dataclass(frozen=True, slots=True)
class Tail:
    """The last head that this process saw committed, with the batch's signature where it has one."""

    head: Head
    signed: SignedBatch | None


class TailLost(JournalUnavailable):
    """The database does not have what it had confirmed. Nothing more is written before a person has looked."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        super().__init__(
            f"the database does not have journal row {tail.head.seq}, which it had confirmed at {time_text(tail.head.at)}:"
            " a standby without the end, or an old backup, has taken its place"
        )


async def refuse_lost_tail(connection: asyncpg.Connection, tail: Tail) -> None:
    """Asked on each new connection. Raises `TailLost`; rows that were archived are not missed."""
    stored = await connection.fetchval("SELECT hash FROM journal WHERE seq = $1", tail.head.seq)
    if stored is None and await connection.fetchval("SELECT max(last_seq) >= $1 FROM archives", tail.head.seq):
        return
    if stored is None or bytes(stored) != tail.head.hash:
        raise TailLost(tail)
