"""Taking in what the bank has dropped: each file is stored whole, waits, is recognised, or is refused whole.

A statement is stored before its file is removed; a crash in between finds the file again and recognises it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from chains.sepa.camt import Statement
from chains.sepa.continuity import NEXT, Verdict, judge, same_statement
from chains.sepa.history import History
from chains.sepa.inbox import Arrival, Inbox
from chains.sepa.statements import Accepted, Notice, NoticeState, StatementsMoved, StatementStore, accept, beginning
from wallet.ports import BlockRef

NOTICES_MAX = 100  # past notices kept in memory; the core keeps what it wants through the callback

Report = Callable[[Notice], Awaitable[None]]


class Intake:
    """Takes statement files from the folder into the books in the bank's order, one at a time, and tells of each what became
    of it."""

    def __init__(
        self, inbox: Inbox, store: StatementStore, history: History, opening_units: int, report: Report | None
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._history = history
        self._opening_units = opening_units
        self._report = report
        self._lock = asyncio.Lock()
        self._past: deque[Notice] = deque(maxlen=NOTICES_MAX)
        self._waiting: dict[str, Notice] = {}

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What happened lately, oldest first, then the files that wait now."""
        return (*self._past, *self._waiting.values())

    async def take_in(self) -> None:
        """Judge all that has arrived until nothing more fits. Raises `OSError` when the folder cannot be used."""
        async with self._lock:
            arrivals = await asyncio.to_thread(self._inbox.look)
            present = {arrival.name for arrival in arrivals}
            self._waiting = {name: notice for name, notice in self._waiting.items() if name in present}
            while (left := await self._round(arrivals)) is not None:
                arrivals = left

    async def tell(self, notice: Notice) -> None:
        """Keep the notice and pass it on, once for as long as it stays the same."""
        if notice in self._waiting.values() or (notice.state is NoticeState.DISAGREES and notice in self._past):
            return
        if notice.state is NoticeState.WAITING:
            self._waiting[notice.file] = notice
        else:
            self._waiting.pop(notice.file, None)
            self._past.append(notice)
        if self._report is not None:
            await self._report(notice)

    async def _round(self, arrivals: Sequence[Arrival]) -> list[Arrival] | None:
        """One pass; the files that wait when something was taken in, which they may have waited for. None when done."""
        waiting, progress = [], False
        for arrival in arrivals:
            verdict, accepted = await self._judge(arrival)
            if verdict.state is NoticeState.WAITING:
                waiting.append(arrival)
                await self.tell(Notice(arrival.name, verdict.state, verdict.reason))
            elif await self._settle(arrival, verdict, accepted):
                progress = progress or bool(accepted)
        return waiting if progress and waiting else None

    async def _settle(self, arrival: Arrival, verdict: Verdict, accepted: Sequence[Accepted]) -> bool:
        """False when the file or the last statement changed meanwhile: the next look decides."""
        if accepted and not await self._append(arrival, accepted):
            return False
        if verdict.state is NoticeState.REFUSED:
            await asyncio.to_thread(self._inbox.refuse, arrival, verdict.reason)
        else:
            await asyncio.to_thread(self._inbox.remove, arrival)
        await self.tell(Notice(arrival.name, verdict.state, verdict.reason))
        return True

    async def _append(self, arrival: Arrival, accepted: Sequence[Accepted]) -> bool:
        raw = await asyncio.to_thread(self._inbox.load, arrival)
        if raw is None:
            return False
        try:
            await self._store.append(accepted, raw)
        except StatementsMoved:
            return False
        return True

    async def _judge(self, arrival: Arrival) -> tuple[Verdict, list[Accepted]]:
        """The verdict on the whole file, with the blocks that it adds when nothing in it waits or is refused."""
        if arrival.refusal is not None:
            return Verdict(NoticeState.REFUSED, arrival.refusal), []
        if await self._store.by_digest(arrival.digest) is not None:
            return Verdict(NoticeState.RECOGNISED, "this very file was taken in before; it has no effect"), []
        last = await self._store.last()
        accepted: list[Accepted] = []
        for position, statement in enumerate(arrival.statements):
            verdict = await self._judge_statement(statement, last, arrival, accepted)
            if verdict.state is NoticeState.RECOGNISED:
                continue
            if verdict is not NEXT:
                return verdict, []
            last = accept(statement, self._below(last), arrival.digest, position)
            accepted.append(last)
        if not accepted:
            return Verdict(NoticeState.RECOGNISED, "all it says was taken in before; it has no effect"), []
        return _taken_in(accepted), accepted

    async def _judge_statement(
        self, statement: Statement, last: Accepted | None, arrival: Arrival, accepted: Sequence[Accepted]
    ) -> Verdict:
        known = [(twin, arrival.statements[twin.position]) for twin in accepted if same_statement(twin, statement)]
        stored = [twin for twin in await self._store.by_statement_id(statement.id) if same_statement(twin, statement)]
        known += [await self._history.statement(twin.height) for twin in stored]
        if any(facts.says_the_same(statement) for _, facts in known):
            return Verdict(NoticeState.RECOGNISED, "")
        if known:
            height = known[0][0].height
            reason = f"statement {statement.id} was taken in before (as number {height}) with other content"
            return Verdict(NoticeState.REFUSED, reason)
        return judge(statement, last, self._opening_units, self._history.account.asset.decimals)

    def _below(self, last: Accepted | None) -> BlockRef:
        return last.ref if last is not None else beginning(self._history.account.iban)


def _taken_in(accepted: Sequence[Accepted]) -> Verdict:
    numbers = f"{accepted[0].height}" if len(accepted) == 1 else f"{accepted[0].height} to {accepted[-1].height}"
    return Verdict(NoticeState.ACCEPTED, f"taken in as statement {numbers}")
