"""The statements that we have accepted: the account's blocks. And what we tell people about files that arrive.

`StatementStore` is a port of this network that the core answers: it seals the bytes, for they name people.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from chains.sepa.camt import Statement
from wallet.ports import BlockRef


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted statement, free of personal data.

    `height` counts from 1 without gaps. `id` is the chained digest (see `accept`), `parent` the one below. `digest` is the
    SHA-256 of the whole file in hex and `position` the statement's place in it, from 0. `first_page` to `page` are the
    pages it covers; `closes_interim` says that the bank's statement goes on with page `page + 1`. `sequence` is the
    electronic, else the legal number that the bank gave it. Units are cents, negative when overdrawn.
    """

    height: int
    id: str
    parent: str
    digest: str
    position: int
    statement_id: str
    sequence: int | None
    first_page: int
    page: int
    closes_interim: bool
    opening_units: int
    closing_units: int
    currency: str
    created_at: datetime
    closed_on: date
    period_from: datetime | None
    period_to: datetime | None

    @property
    def ref(self) -> BlockRef:
        return BlockRef(self.height, self.id)


class StatementsMoved(Exception):
    """Another process appended first; nothing was written. Look at the last statement again and decide again."""


class StatementStore(Protocol):
    """The accepted statements of one bank account, numbered without a gap: what a chain's blocks are elsewhere."""

    async def last(self) -> Accepted | None: ...

    async def by_digest(self, digest: str) -> Accepted | None:
        """Any statement that came in the file with this SHA-256 (hex)."""

    async def by_statement_id(self, statement_id: str) -> Sequence[Accepted]:
        """All that carry this number of the bank's (`Stmt/Id`): one as a rule, several when a bank starts again."""

    async def at(self, height: int) -> Accepted | None:
        """The facts alone: the file, which names people, stays sealed."""

    async def get(self, height: int) -> tuple[Accepted, bytes] | None:
        """The statement at this height and the whole file in which it came; None above the last."""

    async def append(self, statements: Sequence[Accepted], raw: bytes) -> None:
        """Store the statements of one file and the file, all or nothing, durable when this returns.
        Raises `StatementsMoved` when the first one's height is taken."""


def beginning(iban: str) -> BlockRef:
    """Height 0: the account before any statement. It tells accounts apart."""
    return BlockRef(0, hashlib.sha256(b"coffer/statement/0" + iban.encode()).hexdigest())


def accept(statement: Statement, below: BlockRef, digest: str, position: int) -> Accepted:
    """The statement as the next block. Its id covers the parent, the file and the place in the file."""
    chained = f"coffer/statement/1:{below.height + 1}:{below.id}:{digest}:{position}"
    return Accepted(
        height=below.height + 1,
        id=hashlib.sha256(chained.encode()).hexdigest(),
        parent=below.id,
        digest=digest,
        position=position,
        statement_id=statement.id,
        sequence=statement.sequence,
        first_page=statement.first_page,
        page=statement.page,
        closes_interim=statement.closes_interim,
        opening_units=statement.opening_units,
        closing_units=statement.closing_units,
        currency=statement.currency,
        created_at=statement.created_at,
        closed_on=statement.closed_on,
        period_from=statement.period_from,
        period_to=statement.period_to,
    )


class NoticeState(StrEnum):
    ACCEPTED = "accepted"
    RECOGNISED = "recognised"  # known already: no effect
    WAITING = "waiting"  # stays where it is until what is missing arrives
    REFUSED = "refused"  # moved aside whole, with the reason beside it
    DISAGREES = "disagrees"  # the bank booked one of our payouts differently from what we ordered


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for people about a file. `reason` carries no personal data."""

    file: str
    state: NoticeState
    reason: str
