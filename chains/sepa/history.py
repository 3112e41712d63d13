"""Reading accepted statements again: whole, one at a time, or at a glance (what later statements must know of it)."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date

from chains.sepa.account import Account
from chains.sepa.camt import Statement, read_statements
from chains.sepa.document import DocumentRefused
from chains.sepa.movements import movements, own_name
from chains.sepa.statements import Accepted, StatementStore
from wallet.ports import BlockRef, BlockVanished, NetworkMismatch

REFERENCE_WINDOW = (
    366  # statements, a year of days: within it a bank's reference that comes again names another movement
)
_FILES_KEPT = 4  # parsed files; a file with many statements is read once, not once for each
_GLANCES_KEPT = 4 * REFERENCE_WINDOW


@dataclass(frozen=True, slots=True)
class Debit:
    """A booked debit that names a payment or a payout file of ours."""

    reference: str
    units: int


@dataclass(frozen=True, slots=True)
class Glance:
    """`references` are the bank's own references of what it booked; `debits` may be of ours."""

    ref: BlockRef
    closed_on: date
    references: frozenset[str]
    debits: tuple[Debit, ...]


class History:
    """Raises `BlockVanished` for a height that is not there and `NetworkMismatch` for a stored file that is not the one
    that was accepted."""

    def __init__(self, store: StatementStore, account: Account) -> None:
        self.account = account
        self._store = store
        self._files: OrderedDict[str, tuple[Statement, ...]] = OrderedDict()
        self._glances: OrderedDict[int, Glance] = OrderedDict()

    async def statement(self, height: int) -> tuple[Accepted, Statement]:
        stored = await self._store.get(height)
        if stored is None:
            raise BlockVanished(f"there is no statement {height}")
        accepted, raw = stored
        if accepted.digest not in self._files:
            self._files[accepted.digest] = await asyncio.to_thread(self._parse, accepted, raw)
            _drop_oldest(self._files, _FILES_KEPT)
        return accepted, self._files[accepted.digest][accepted.position]

    async def glance(self, height: int) -> Glance:
        if height not in self._glances:
            self._glances[height] = _glance(*await self.statement(height))
            _drop_oldest(self._glances, _GLANCES_KEPT)
        return self._glances[height]

    async def before(self, height: int) -> list[Glance]:
        """The statements of the window below `height`."""
        return [await self.glance(at) for at in range(max(1, height - REFERENCE_WINDOW), height)]

    def _parse(self, accepted: Accepted, raw: bytes) -> tuple[Statement, ...]:
        if hashlib.sha256(raw).hexdigest() != accepted.digest:
            raise NetworkMismatch(f"the stored file of statement {accepted.height} is not the one that was accepted")
        try:
            return read_statements(raw, self.account)
        except DocumentRefused as error:
            raise NetworkMismatch(f"the stored statement {accepted.height} cannot be read: {error.reason}") from error


def _glance(accepted: Accepted, statement: Statement) -> Glance:
    booked = [movement for movement in movements(statement) if movement.booked]
    return Glance(
        ref=accepted.ref,
        closed_on=accepted.closed_on,
        references=frozenset(movement.reference for movement in booked if movement.reference is not None),
        debits=tuple(Debit(name, movement.units) for movement in booked if (name := own_name(movement)) is not None),
    )


def _drop_oldest(cache: OrderedDict[str, tuple[Statement, ...]] | OrderedDict[int, Glance], keep: int) -> None:
    while len(cache) > keep:
        cache.popitem(last=False)
