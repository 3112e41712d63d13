"""The writer: takes all that has queued while the last commit ran, and makes it one durable database transaction.

    take ─▶ look up ─▶ judge on the image ─▶ seal ┐                                           while the last batch commits
                                                   └▶ one statement: the head, all rows ─▶ answer everybody

A batch is judged on what the last one left behind, while that one is still being committed. It is then one statement, sent
before anybody of the last batch is answered, and a transaction of its own: it writes only if it finds the head on which it
was judged. Where it does not, or where a batch needs more than one statement, the head is locked first and the batch judged
there, on what the database says then.

What this prevents: answering before the commit; cancelling a commit (nothing here puts a time-out around it); treating a
lost connection as a failure (the outcome is looked up on a new connection, under the head lock, and what is not on record
there is fenced off, for it may still be on its way); deciding on stale balances (the image counts only while head sequence,
hash and fence are those this process saw last).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import date

import asyncpg
import structlog

from wallet.errors import JournalUnavailable, OutcomeUnknown, Refusal
from wallet.ids import AccountId
from wallet.journal.batch import Batch, Verdict, Waiting, decide, waiting_for
from wallet.journal.change import Change, Committed, Request
from wallet.journal.connection import LINE_LOST, connect
from wallet.journal.head import FENCE_HEAD, BatchMismatch, Head, lock_head
from wallet.journal.image import Image
from wallet.journal.judge import ForgedTransfer, Known
from wallet.journal.lanes import Lane, Lanes
from wallet.journal.lookups import find_answers, load_known, required_rows
from wallet.journal.receipts import JournalKey, Receipt
from wallet.journal.recent_receipts import RecentReceipts
from wallet.journal.remembered import Remembered, RequestKey, replay, request_key
from wallet.journal.sql import HEAD_MOVED, MISCOUNTED
from wallet.journal.store import statements
from wallet.journal.tail import Tail, TailLost, refuse_lost_tail
from wallet.points import point
from wallet.ports import Clock

RETRY_S = 0.2  # between attempts to reach the database again
LOOKUP_LIMIT_S = 60.0  # how long an unknown outcome is looked up before its callers are told so
LOOKUP_CONNECT_S = 1.0  # one attempt of a look-up to connect; it tries again within its own limit
CONNECT_LIMIT_S = 30.0  # how long Changes wait for a database that cannot be reached
ANSWERED_AT_ONCE = 50  # callers; then the loop turns
CROWDED_BATCHES = 16  # judged under the lock only, after somebody else was found to write as well

_STANDBY_NOTICE = "canceling wait for synchronous replication"
# What one bad Change can cause; anything else (locks, disk, resources) concerns the whole batch.
_OF_ONE_CHANGE = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, BatchMismatch)
# What judging a malformed Change raises.
_MISTAKES = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError)

_log = structlog.get_logger("journal")


class _HeadMoved(Exception):
    """Somebody else has written since the batch was judged, or has given it up as lost. Nothing of it is kept."""


class Journal:
    """The one door. Several processes may each have one on the same database: the head row orders them."""

    def __init__(self, books_dsn: str, clock: Clock, key: JournalKey | None = None) -> None:
        """With a `key` every batch is signed, and accepted Changes have receipts."""
        self._dsn = books_dsn
        self._clock = clock
        self._key = key
        self._lanes: Lanes[Waiting] = Lanes()
        self._image = Image()
        self._receipts = RecentReceipts()
        self._task: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[list[Batch]] | None = None
        self._under_way = 0  # Changes in it
        self._owed: deque[list[Waiting]] = deque()  # taken, and not answered yet
        self._stopping = False
        self._connection: asyncpg.Connection | None = None  # of the transactions
        self._looking: asyncpg.Connection | None = None  # of look-ups beside them
        self._recall_connection: asyncpg.Connection | None = None  # of retries that never come to a batch
        self._recalling = asyncio.Lock()
        self._deciding = False  # under the head lock
        self._crowded = 0
        self._standby_wait_cancelled = False
        self._tail: Tail | None = None  # what the next connection must have on record
        self.tail_lost: TailLost | None = None
        self._put_aside: set[AccountId] = set()  # a forged transfer would have moved these: a fault of this process
        self.held_back: str | None = None  # why nothing is taken for now; whoever set it takes it away

    async def start(self) -> None:
        """Connect, and begin to take Changes. Raises `JournalUnavailable` if the database cannot be reached."""
        await self._connected(CONNECT_LIMIT_S)
        self._task = asyncio.create_task(self._run(), name="journal-writer")
        self._task.add_done_callback(_log_fault)

    async def stop(self) -> None:
        """Write what has queued, then stop."""
        self._stopping = True
        self._lanes.wake()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        self._fail(self._lanes.empty(), JournalUnavailable("the node is stopping"))
        self._drop_connections()
        self._drop_recalling()

    @property
    def waiting(self) -> int:
        return len(self._lanes)

    @property
    def is_full(self) -> bool:
        """Whether who asks now is told to come later."""
        return self._lanes.is_full(Lane.INTERACTIVE) or self.held_back is not None

    def check(self) -> None:
        """Raises `TailLost`, or `JournalUnavailable` if the writer has ended by a fault of its own: it does not come back."""
        if self.tail_lost is not None:
            raise self.tail_lost
        if self._task is not None and self._task.done() and not self._stopping:
            raise JournalUnavailable("the journal's writer has broken off, its log says why: start the node again")

    async def commit(self, change: Change, lane: Lane = Lane.INTERACTIVE) -> Committed:
        """Write one Change; returns when it is durable.

        Raises a `Refusal` (judged; a remembered one if the request came before), `Stale` (read again, decide again),
        `JournalUnavailable` (nothing was written) or `OutcomeUnknown`. A caller that goes away does not undo anything.
        """
        return await self.submit(change, lane)

    def submit(self, change: Change, lane: Lane = Lane.INTERACTIVE) -> asyncio.Future[Committed]:
        """Queue one Change, as `commit`; its answer comes later. Raises `JournalUnavailable` if it cannot be queued."""
        if self._task is None or self._task.done() or self._stopping:
            raise JournalUnavailable("the journal is not running")
        if self.tail_lost is not None:
            raise self.tail_lost
        if self.held_back is not None:
            raise JournalUnavailable(self.held_back)
        if self._lanes.is_full(lane):
            raise JournalUnavailable("too many changes are waiting")
        if self._put_aside and not self._put_aside.isdisjoint(_accounts(change)):
            raise JournalUnavailable("an account is put aside after a fault, the log says which: start the node again")
        answer: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        self._lanes.put(waiting_for(change, answer), lane)
        return answer

    def recent_receipt(self, seq: int) -> Receipt | None:
        """Of a Change that this process committed lately; None for all others."""
        return self._receipts.find(seq)

    async def recall(self, request: Request) -> Committed | None:
        """What was answered under this key, or None. Raises the remembered `Refusal`, or `KeyReused`."""
        (answer,) = await self.recall_each([request])
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def recall_each(self, requests: Sequence[Request]) -> list[Committed | Refusal | None]:
        """What was answered under each of these keys, in order."""
        if not requests:
            return []
        async with self._recalling:
            try:
                found = await self._found(requests)
            except LINE_LOST:  # it may have been lost long ago
                self._drop_recalling()
                found = await self._found(requests)
        earlier = [(request, found.get(request_key(request))) for request in requests]
        return [None if answer is None else replay(request, answer) for request, answer in earlier]

    async def _found(self, requests: Sequence[Request]) -> dict[RequestKey, Remembered]:
        if self._recall_connection is None or self._recall_connection.is_closed():
            self._recall_connection = await connect(self._dsn)
        return await find_answers(self._recall_connection, requests, date.max)

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        try:
            while not self._stopping or len(self._lanes) or self._writing is not None:
                await self._lanes.arrived()  # or the transaction has ended
                if not self._may_prepare:  # nothing to do beside it: what comes meanwhile joins the batch
                    await self._answer(await self._written())
                batch = self._lanes.take(self._under_way) if self._may_prepare else self._lanes.take_all()
                self._owed.append(batch)
                prepared = await self._prepare(batch) if batch else None
                written = await self._written()
                if batch:
                    self._begin(batch, prepared)
                    await _sent()
                await self._answer(written)
        finally:  # whoever is not answered by now never would be: the writer has a fault of its own
            self._fail(
                [*(w for batch in self._owed for w in batch), *self._lanes.empty()],
                OutcomeUnknown("the journal broke off; repeat under the same key"),
            )

    def _begin(self, batch: list[Waiting], prepared: Batch | None) -> None:
        self._writing, self._under_way = asyncio.create_task(self._write_or_split(batch, prepared)), len(batch)
        self._writing.add_done_callback(lambda _: self._lanes.wake())

    async def _written(self) -> list[Batch]:
        """What the transaction under way has written; it has ended. Never cut: it is waited for even when the node stops."""
        if self._writing is None:
            return []
        written = await self._writing
        self._writing, self._under_way = None, 0
        return written

    async def _answer(self, written: Sequence[Batch]) -> None:
        """After the commit everybody is answered, refusals included: in slices, for each caller has work to do at once, and
        the database's answer is to be heard meanwhile."""
        for batch in written:
            for first in range(0, len(batch.verdicts), ANSWERED_AT_ONCE):
                for waiting, verdict in batch.verdicts[first : first + ANSWERED_AT_ONCE]:
                    _tell(waiting, verdict)
                await asyncio.sleep(0)
        while self._owed and all(waiting.answer.done() for waiting in self._owed[0]):
            self._owed.popleft()

    async def _write_or_split(self, batch: list[Waiting], prepared: Batch | None) -> list[Batch]:
        """A batch that the database refuses is tried again one by one, so that one bad Change fails alone."""
        try:
            return [await self._write(batch, prepared)]
        except (asyncpg.PostgresError, BatchMismatch) as error:
            self._image.forget()
            self._drop_connections()
            if len(batch) > 1 and isinstance(error, _OF_ONE_CHANGE):
                return [one for waiting in batch for one in await self._write_or_split([waiting], None)]
            if isinstance(error.__cause__, ForgedTransfer):
                self._put_aside |= _accounts(batch[0].change)
                _log.error("accounts_put_aside", accounts=sorted(self._put_aside))
            _log.error("change_failed", kind=batch[0].change.kind.value, changes=len(batch), error=repr(error))
            self._fail(batch, JournalUnavailable("the database refused; nothing was written"))
        except (JournalUnavailable, OutcomeUnknown) as error:
            self._image.forget()
            self._fail(batch, error)
        return []

    async def _write(self, batch: list[Waiting], prepared: Batch | None) -> Batch:
        """The batch as it was written, by all that is known durably."""
        decided, sent = None, False
        try:
            connection = await self._connected(CONNECT_LIMIT_S)
            self._standby_wait_cancelled = False
            if prepared is not None and prepared.epoch == self._image.epoch and len(prepared.statements) == 1:
                decided, sent = prepared, True  # a transaction of its own: it finds the head of its judging, or raises
                await self._send(connection, decided)
            else:
                await connection.execute("BEGIN")
                decided = await self._decided(connection, batch, prepared)
                await self._send(connection, decided)
                sent = True
                await connection.execute("COMMIT")
            point("journal.after_commit")
        except _HeadMoved:
            self._crowded = CROWDED_BATCHES
            self._image.forget()
            return await self._write(batch, None)
        except LINE_LOST as error:
            self._image.forget()
            self._drop_connections()
            _log.warning("connection_lost", commit_sent=sent, error=type(error).__name__)
            if not sent or decided is None:
                await asyncio.sleep(RETRY_S)
                return await self._write(batch, None)
            if not await self._is_committed(decided):
                return await self._write(batch, None)
        if self._standby_wait_cancelled:
            raise OutcomeUnknown("a standby has not confirmed")
        self._receipts.keep(decided)
        if decided.sealed:
            self._tail = Tail(decided.head, decided.sealing.signed)
        return decided

    async def _send(self, connection: asyncpg.Connection, batch: Batch) -> None:
        point("journal.before_write")
        try:
            for statement in batch.statements[:-1]:
                await connection.fetchval(statement.sql, *statement.arguments)
            point("journal.before_commit")
            last = batch.statements[-1]
            await connection.fetchval(last.sql, *last.arguments)
        except asyncpg.PostgresError as error:
            if error.sqlstate == HEAD_MOVED:
                raise _HeadMoved from error
            if error.sqlstate == MISCOUNTED:
                raise BatchMismatch(str(error)) from error
            raise

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _may_prepare(self) -> bool:
        return self._image.head is not None and self._crowded == 0 and not self._deciding

    async def _prepare(self, batch: list[Waiting]) -> Batch | None:
        """Judge on the image while the last batch is still being committed; None where that must wait for the lock.
        Whatever goes wrong here is met again there, where it is answered for."""
        if not self._may_prepare:
            self._crowded = max(self._crowded - 1, 0)
            return None
        head, epoch = self._image.head, self._image.epoch
        assert head is not None, "asked just now"
        try:
            if self._looking is None or self._looking.is_closed():
                self._looking = await connect(self._dsn)
            at = max(self._clock.now(), head.at)
            known, remembered = await self._look_up(self._looking, batch, at.date())
            if not self._may_prepare or self._image.epoch != epoch or self._image.head != head:
                return None  # the image has moved on, or is just being judged on: nobody else may then
            return self._judged(batch, head, known, remembered)
        except (*LINE_LOST, asyncpg.PostgresError, JournalUnavailable):
            self._drop_looking()
        except (BatchMismatch, *_MISTAKES):
            pass
        return None

    async def _decided(self, connection: asyncpg.Connection, batch: list[Waiting], prepared: Batch | None) -> Batch:
        """Under the head lock: what was prepared, if the books still stand where that was judged, or judged anew.
        What cannot even be judged is a Change of ours that is wrong: it fails alone, as one that the database refuses."""
        head = await lock_head(connection)
        if prepared is not None and prepared.epoch == self._image.epoch:
            if prepared.before == head:
                return prepared
            self._crowded = CROWDED_BATCHES
        if self._image.head == head:
            self._crowded = 0  # nobody else has written since: the next batch may be judged beside this one
        else:
            self._image.forget()
        self._deciding = True
        try:
            at = max(self._clock.now(), head.at)
            known, remembered = await self._look_up(connection, batch, at.date())
            return self._judged(batch, head, known, remembered)
        except _MISTAKES as mistake:
            raise BatchMismatch(f"a Change cannot be judged: {mistake!r}") from mistake
        finally:
            self._deciding = False

    async def _look_up(
        self, connection: asyncpg.Connection, batch: Sequence[Waiting], day: date
    ) -> tuple[Known, dict[RequestKey, Remembered]]:
        requests = [w.change.request for w in batch if w.change.request is not None]
        remembered: dict[RequestKey, Remembered] = {}
        if requests:
            remembered = await find_answers(connection, requests, day)
            remembered |= self._image.last_answers
        fresh = [w.change for w in batch if w.change.request is None or request_key(w.change.request) not in remembered]
        return await load_known(connection, fresh, self._image), remembered

    def _judged(
        self, batch: list[Waiting], head: Head, known: Known, remembered: dict[RequestKey, Remembered]
    ) -> Batch:
        at = max(self._clock.now(), head.at)
        decided = decide(batch, head, at, known, remembered, self._key)
        decided.epoch, decided.statements = self._image.epoch, statements(decided)
        required = required_rows([sealed.change for sealed in decided.sealed])
        self._image.advance(decided.head, decided.known, decided.answered, required)
        return decided

    # ── connections and unknown outcomes ─────────────────────────────────────────────────────────────────────────────

    async def _connected(self, limit_s: float) -> asyncpg.Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        deadline = asyncio.get_running_loop().time() + limit_s
        while True:
            try:
                self._connection = await self._found_whole(await connect(self._dsn))
            except (*LINE_LOST, asyncpg.PostgresError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise JournalUnavailable("the database cannot be reached; nothing was written") from error
                await asyncio.sleep(RETRY_S)
            else:
                self._connection.add_log_listener(self._on_notice)
                return self._connection

    async def _found_whole(self, connection: asyncpg.Connection) -> asyncpg.Connection:
        """Another server may answer now. Raises `TailLost` where it misses what this process saw committed."""
        if self._tail is not None:
            try:
                await refuse_lost_tail(connection, self._tail)
            except TailLost as lost:
                self.tail_lost = lost
                connection.terminate()
                raise
        return connection

    def _on_notice(self, _connection: object, notice: asyncpg.PostgresLogMessage) -> None:
        if _STANDBY_NOTICE in str(notice):
            self._standby_wait_cancelled = True

    async def _is_committed(self, batch: Batch) -> bool:
        """Ask a new connection, under the head lock: without the lock a row whose commit still waits would be missed."""
        deadline = asyncio.get_running_loop().time() + LOOKUP_LIMIT_S
        while asyncio.get_running_loop().time() < deadline:
            try:
                return await self._look_for(await self._connected(LOOKUP_CONNECT_S), batch)
            except TailLost:
                break
            except (*LINE_LOST, asyncpg.PostgresError, JournalUnavailable):
                self._drop_connections()
                await asyncio.sleep(RETRY_S)
        raise OutcomeUnknown("the commit was sent and the database has not answered since; repeat under the same key")

    async def _look_for(self, connection: asyncpg.Connection, batch: Batch) -> bool:
        async with connection.transaction():
            await lock_head(connection)
            if await self._is_on_record(connection, batch):
                return True
            await connection.execute(FENCE_HEAD)  # it may be on its way still: from now on it would find another head
        return False

    async def _is_on_record(self, connection: asyncpg.Connection, batch: Batch) -> bool:
        """A batch that only remembers refusals has no journal row; writing it again is harmless."""
        if not batch.sealed:
            return False
        last = batch.sealed[-1]
        stored = await connection.fetchval("SELECT hash FROM journal WHERE seq = $1", last.seq)
        return stored is not None and bytes(stored) == last.hash

    def _drop_connections(self) -> None:
        """Both: another server may answer by now, and look-ups must ask the one that is written to."""
        self._drop_looking()
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _drop_looking(self) -> None:
        if self._looking is not None:
            self._looking.terminate()
            self._looking = None

    def _drop_recalling(self) -> None:
        if self._recall_connection is not None:
            self._recall_connection.terminate()
            self._recall_connection = None

    def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
                waiting.answer.exception()


def _accounts(change: Change) -> set[AccountId]:
    return {account.id for transfer in change.entry for account in (transfer.debit, transfer.credit)}


def _log_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        _log.error("writer_broke_off", error=repr(fault))


def _tell(waiting: Waiting, verdict: Verdict) -> None:
    if waiting.answer.done():
        return
    if isinstance(verdict, Committed):
        waiting.answer.set_result(verdict)
    else:
        waiting.answer.set_exception(verdict)
        waiting.answer.exception()


async def _sent() -> None:
    """Let a task that has just been made take its first step, in which it sends what it has."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
