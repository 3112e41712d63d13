"""The bank statements that we have accepted: facts in the books, the file itself sealed in the vault.

What this prevents: a statement taken in twice, in another order, or lost after it was answered; and a bank's file, which
names people, lying about in clear.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import desc, select

from chains.sepa.statements import Accepted, StatementsMoved
from wallet import schema
from wallet.context import ACTOR_NODE, Context
from wallet.errors import AlreadyExists
from wallet.ids import NetworkId, StatementId
from wallet.journal.change import Change, EventKind, Insert
from wallet.money import format_units
from wallet.points import point
from wallet.vault.items import ItemKind
from wallet.vault.vault import RevealPurpose, bank_person

_TIMES = ("created_at", "period_from", "period_to")


class StatementArchive:
    """Implements `chains.sepa.statements.StatementStore` on the Journal. `context` is given once it is made."""

    context: Context

    def __init__(self, network: NetworkId) -> None:
        self._network = network
        self._table = schema.statements

    async def last(self) -> Accepted | None:
        return await self._one(self._mine().order_by(desc(self._table.c.height)).limit(1))

    async def by_digest(self, digest: str) -> Accepted | None:
        return await self._one(self._mine().where(self._table.c.digest == digest).limit(1))

    async def by_statement_id(self, statement_id: str) -> Sequence[Accepted]:
        found = self._mine().where(self._table.c.facts["statement_id"].astext == statement_id)
        return [_accepted(row["facts"]) for row in await self.context.all(found.order_by(self._table.c.height))]

    async def at(self, height: int) -> Accepted | None:
        return await self._one(self._mine().where(self._table.c.height == height))

    async def get(self, height: int) -> tuple[Accepted, bytes] | None:
        row = await self.context.one(self._mine().where(self._table.c.height == height))
        if row is None:
            return None
        return _accepted(row["facts"]), await self.context.reveal_bytes(row["file_item"], RevealPurpose.READ_STATEMENT)

    async def append(self, statements: Sequence[Accepted], raw: bytes) -> None:
        file = self.context.seal(bank_person(self._network), ItemKind.STATEMENT_FILE, raw)
        now = self.context.clock.now()
        rows = [
            {
                "id": StatementId(self.context.new_id("stm")),
                "network": self._network,
                "height": accepted.height,
                "digest": accepted.digest,
                "facts": _facts(accepted),
                "file_item": file.id,
                "created_at": now,
            }
            for accepted in statements
        ]
        change = Change(
            actor=ACTOR_NODE,
            kind=EventKind.STATEMENT_ACCEPTED,
            data={"network": self._network, "statements": [_event(accepted) for accepted in statements]},
            writes=tuple(Insert("statements", row) for row in rows),
            vault=(file,),
        )
        point("statement.before_append")
        try:
            await self.context.journal.commit(change)
        except AlreadyExists:
            raise StatementsMoved from None
        point("statement.after_append")

    def _mine(self) -> Any:
        return select(self._table).where(self._table.c.network == self._network)

    async def _one(self, wanted: Any) -> Accepted | None:
        row = await self.context.one(wanted)
        return _accepted(row["facts"]) if row else None


def _facts(accepted: Accepted) -> dict[str, object]:
    facts = asdict(accepted)
    for name in _TIMES:
        facts[name] = facts[name].isoformat() if facts[name] else None
    return {**facts, "closed_on": accepted.closed_on.isoformat()}


def _accepted(facts: dict[str, Any]) -> Accepted:
    times = {name: datetime.fromisoformat(facts[name]) if facts[name] else None for name in _TIMES}
    return Accepted(**{**facts, **times, "closed_on": date.fromisoformat(facts["closed_on"])})


def _event(accepted: Accepted) -> dict[str, object]:
    return {
        "height": accepted.height,
        "statement": accepted.statement_id,
        "sequence": accepted.sequence,
        "opening": format_units(accepted.opening_units, 2),
        "closing": format_units(accepted.closing_units, 2),
    }
