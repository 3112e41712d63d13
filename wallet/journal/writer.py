"""The writer: takes all that has queued while the last commit ran, and makes it one durable database transaction.

    lock the head ─▶ look up ─▶ judge in order on a copy ─▶ write ─▶ extend the chain ─▶ commit once ─▶ answer everybody

What this prevents: answering before the commit; cancelling a COMMIT (nothing here puts a time-out around it); treating
a lost connection as a failure (the outcome is looked up on a new connection, under the head lock); deciding on stale
balances (the in-memory image counts only while head sequence *and* hash are those this process wrote last).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import asyncpg
import structlog

from wallet.errors import JournalUnavailable, KeyReused, OutcomeUnknown, Refusal, RememberedRefusal, Stale
from wallet.journal import store
from wallet.journal.body import encode_body, wire_write
from wallet.journal.chain import link
from wallet.journal.change import Change, Committed, Request
from wallet.journal.judge import Known, OpenHold, Totals, judge
from wallet.points import point
from wallet.ports import Clock

QUEUE_MAX = 20_000  # Changes waiting; beyond it callers are told at once that nothing was written
BATCH_MAX = 4_000  # Changes in one transaction: some ten megabytes, well under a second
IMAGE_MAX = 200_000  # accounts whose totals are kept in memory
RETRY_S = 0.2  # between attempts to reach the database again
LOOKUP_LIMIT_S = 60.0  # how long an unknown outcome is looked up before its callers are told so
LOOKUP_CONNECT_S = 1.0  # one attempt of a look-up to connect; it tries again within its own limit
CONNECT_LIMIT_S = 30.0  # how long Changes wait for a database that cannot be reached

# A paused writer must not stop the node: the server ends its transaction and frees the head row.
SESSION = {
    "application_name": "coffer-journal",
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "20s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    # Every look-up of a batch is by key. Left to itself the planner, whose statistics lag behind a growing day, would sort
    # the whole of it for each batch, and plan anew each time.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_STANDBY_NOTICE = "canceling wait for synchronous replication"
# What one bad Change can cause; anything else (locks, disk, resources) concerns the whole batch.
_OF_ONE_CHANGE = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, store.BatchMismatch)
# The line to the server is gone; asyncpg says so in many ways, down to a fault of its own when it goes between two messages.
_LINE_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
_MISTAKES = (
    ArithmeticError,
    AssertionError,
    LookupError,
    TypeError,
    ValueError,
)  # what judging a malformed Change raises

_log = structlog.get_logger("journal")


@dataclass(slots=True)
class _Waiting:
    change: Change
    writes: list[list[object]]
    body: bytes
    answer: asyncio.Future[Committed]


@dataclass(slots=True)
class _Batch:
    """What one transaction decided, to be told to the callers once it is committed. `head` is None if it wrote nothing."""

    verdicts: list[tuple[_Waiting, Committed | Refusal | Stale]]
    head: store.Head | None
    totals: dict[str, Totals]


class Journal:
    """The one door. Several processes may each have one on the same database: the head row orders them."""

    def __init__(self, books_dsn: str, clock: Clock) -> None:
        self._dsn = books_dsn
        self._clock = clock
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection | None = None
        self._image: dict[str, Totals] = {}
        self._image_head: store.Head | None = None
        self._standby_wait_cancelled = False

    async def start(self) -> None:
        """Connect, and begin to take Changes. Raises `JournalUnavailable` if the database cannot be reached."""
        await self._connected(CONNECT_LIMIT_S)
        self._task = asyncio.create_task(self._run(), name="journal-writer")

    async def stop(self) -> None:
        """Write what has queued, then stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._refuse_all(JournalUnavailable("the node is stopping"))
        await self._drop_connection()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def commit(self, change: Change) -> Committed:
        """Write one Change; returns when it is durable.

        Raises a `Refusal` (judged; a remembered one if the request came before), `Stale` (read again, decide again),
        `JournalUnavailable` (nothing was written) or `OutcomeUnknown`. A caller that goes away does not undo anything.
        """
        if self._task is None or self._task.done():
            raise JournalUnavailable("the journal is not running")
        if len(self._queue) >= QUEUE_MAX:
            raise JournalUnavailable("too many changes are waiting")
        writes = [wire_write(write) for write in change.writes]
        answer: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(change, writes, encode_body(change, writes, change.entry), answer))
        self._wake.set()
        return await answer

    async def recall(self, request: Request) -> Committed | None:
        """What was answered under this key, or None. Raises the remembered `Refusal`, or `KeyReused`."""
        connection = await asyncpg.connect(self._dsn, timeout=10)
        try:
            found = await store.find_answers(connection, [request], date.max)
        finally:
            await connection.close()
        if not found:
            return None
        answer = _replay(request, found[store.request_key(request)])
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def recall_each(self, requests: Sequence[Request]) -> list[Committed | Refusal | None]:
        """What was answered under each of these keys, in order."""
        if not requests:
            return []
        connection = await asyncpg.connect(self._dsn, timeout=10)
        try:
            found = await store.find_answers(connection, requests, date.max)
        finally:
            await connection.close()
        earlier = [(request, found.get(store.request_key(request))) for request in requests]
        return [None if answer is None else _replay(request, answer) for request, answer in earlier]

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
            if not self._queue:
                self._wake.clear()
            # Shielded: stopping the node waits for the transaction under way instead of cutting it.
            writing = asyncio.create_task(self._write_or_split(batch))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing
                while self._queue:
                    await self._write_or_split([self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))])
                raise
            finally:  # whoever is not answered by now never would be: the writer has a fault of its own
                self._fail(batch, OutcomeUnknown("the journal broke off; repeat under the same key"))

    async def _write_or_split(self, batch: list[_Waiting]) -> None:
        """A batch that the database refuses is tried again one by one, so that one bad Change fails alone."""
        try:
            await self._write(batch)
        except (asyncpg.PostgresError, store.BatchMismatch) as error:
            self._forget_image()
            await self._drop_connection()
            if len(batch) > 1 and isinstance(error, _OF_ONE_CHANGE):
                for waiting in batch:
                    await self._write_or_split([waiting])
                return
            _log.error("change_failed", kind=batch[0].change.kind.value, changes=len(batch), error=repr(error))
            self._fail(batch, JournalUnavailable("the database refused; nothing was written"))
        except (JournalUnavailable, OutcomeUnknown) as error:
            self._fail(batch, error)

    async def _write(self, batch: list[_Waiting]) -> None:
        decided, sent = None, False
        try:
            connection = await self._connected(CONNECT_LIMIT_S)
            self._standby_wait_cancelled = False
            await connection.execute("BEGIN")
            decided = await self._decided(connection, batch)
            point("journal.before_commit")
            sent = True
            await connection.execute("COMMIT")
            point("journal.after_commit")
        except _LINE_LOST as error:
            if isinstance(error, ValueError):  # the driver's word for a value that it cannot send: the line is whole
                raise
            self._forget_image()
            await self._drop_connection()
            _log.warning("connection_lost", commit_sent=sent, error=type(error).__name__)
            if not sent or decided is None:
                await asyncio.sleep(RETRY_S)
                await self._write(batch)
                return
            if not await self._is_committed(decided):
                await self._write(batch)
                return
        self._conclude(decided)

    def _conclude(self, batch: _Batch) -> None:
        """After the commit: the copy becomes the image, and everybody is answered, refusals included."""
        if self._standby_wait_cancelled:
            self._forget_image()
            self._fail([waiting for waiting, _ in batch.verdicts], OutcomeUnknown("a standby has not confirmed"))
            return
        if batch.head is not None:
            self._image.update(batch.totals)
            self._image_head = batch.head
            if len(self._image) > IMAGE_MAX:
                self._image.clear()
        for waiting, verdict in batch.verdicts:
            if waiting.answer.done():
                continue
            if isinstance(verdict, Committed):
                waiting.answer.set_result(verdict)
            else:
                waiting.answer.set_exception(verdict)
                waiting.answer.exception()

    # ── one transaction ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _decided(self, connection: asyncpg.Connection, batch: list[_Waiting]) -> _Batch:
        """What cannot even be judged is a Change of ours that is wrong: it fails alone, as one that the database refuses."""
        try:
            return await self._decide(connection, batch)
        except _MISTAKES as mistake:
            raise store.BatchMismatch(f"a Change cannot be judged: {mistake!r}") from mistake

    async def _decide(self, connection: asyncpg.Connection, batch: list[_Waiting]) -> _Batch:
        head = await store.lock_head(connection)
        if self._image_head != head:
            self._forget_image()
        at = max(self._clock.now(), head.at)
        requests = [w.change.request for w in batch if w.change.request is not None]
        remembered = await store.find_answers(connection, requests, at.date()) if requests else {}
        fresh = [w for w in batch if w.change.request is None or store.request_key(w.change.request) not in remembered]
        known = await store.load_known(connection, [w.change for w in fresh], self._image)
        before, holds_before = dict(known.totals), dict(known.holds)
        sealed: list[store.Sealed] = []
        answers: list[tuple[Request, Committed | RememberedRefusal]] = []
        verdicts: list[tuple[_Waiting, Committed | Refusal | Stale]] = []
        for waiting in batch:
            verdict = self._judge_one(waiting, known, remembered, sealed, answers, head, at)
            verdicts.append((waiting, verdict))
        point("journal.before_write")
        new_head = await self._write_batch(connection, head, sealed, answers, before, holds_before, known, at)
        return _Batch(verdicts, new_head, known.totals)

    def _judge_one(
        self,
        waiting: _Waiting,
        known: Known,
        remembered: dict[store.RequestKey, store.Remembered],
        sealed: list[store.Sealed],
        answers: list[tuple[Request, Committed | RememberedRefusal]],
        head: store.Head,
        at: datetime,
    ) -> Committed | Refusal | Stale:
        change, request = waiting.change, waiting.change.request
        earlier = remembered.get(store.request_key(request)) if request is not None else None
        if request is not None and earlier is not None:
            return _replay(request, earlier)
        verdict: Committed | Refusal
        try:
            judged = judge(change, known)
        except Stale as stale:
            return stale.with_traceback(None)
        except Refusal as refusal:
            # Its traceback would hold this frame, which holds it and the whole batch: garbage that only the collector finds.
            verdict = refusal.with_traceback(None)
        else:
            seq, previous = (sealed[-1].seq + 1, sealed[-1].hash) if sealed else (head.seq + 1, head.hash)
            body = waiting.body
            if any(transfer.otherwise is not None for transfer in change.entry):  # the Journal has just decided on it
                body = encode_body(change, waiting.writes, tuple(j.transfer for j in judged))
            digest = link(previous, seq, at, body)
            sealed.append(store.Sealed(seq, at, digest, body, change, waiting.writes, judged))
            verdict = Committed(seq, at, change.result)
        if request is not None:
            end = _remembered(verdict)
            answers.append((request, end))
            remembered[store.request_key(request)] = store.Remembered(request.digest, end)
        return verdict

    async def _write_batch(
        self,
        connection: asyncpg.Connection,
        head: store.Head,
        sealed: list[store.Sealed],
        answers: list[tuple[Request, Committed | RememberedRefusal]],
        before: dict[str, Totals],
        holds_before: dict[str, OpenHold],
        known: Known,
        at: datetime,
    ) -> store.Head | None:
        if answers:
            await store.write_answers(connection, answers, at.date())
        if not sealed:
            return None
        await store.write_books(connection, head, sealed, before, known)
        await store.write_holds(connection, holds_before, known.holds)
        await store.write_rows(connection, sealed)
        items = [item for s in sealed for item in s.change.vault]
        if items:
            await store.write_vault(connection, items)
        return store.Head(sealed[-1].seq, sealed[-1].hash, at)

    # ── connections and unknown outcomes ─────────────────────────────────────────────────────────────────────────────

    async def _connected(self, limit_s: float) -> asyncpg.Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        deadline = asyncio.get_running_loop().time() + limit_s
        while True:
            try:
                self._connection = await asyncpg.connect(self._dsn, server_settings=SESSION, timeout=10)
            except (*_LINE_LOST, asyncpg.PostgresError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise JournalUnavailable("the database cannot be reached; nothing was written") from error
                await asyncio.sleep(RETRY_S)
            else:
                await _refuse_unbounded(self._connection)
                self._connection.add_log_listener(self._on_notice)
                return self._connection

    def _on_notice(self, _connection: object, notice: asyncpg.PostgresLogMessage) -> None:
        if _STANDBY_NOTICE in str(notice):
            self._standby_wait_cancelled = True

    async def _is_committed(self, batch: _Batch) -> bool:
        """Ask a new connection, under the head lock: without the lock a row whose commit still waits would be missed."""
        deadline = asyncio.get_running_loop().time() + LOOKUP_LIMIT_S
        while asyncio.get_running_loop().time() < deadline:
            try:
                connection = await self._connected(LOOKUP_CONNECT_S)
                async with connection.transaction():
                    await store.lock_head(connection)
                    return await self._is_on_record(connection, batch)
            except (*_LINE_LOST, asyncpg.PostgresError, JournalUnavailable):
                await self._drop_connection()
                await asyncio.sleep(RETRY_S)
        raise OutcomeUnknown("the commit was sent and the database has not answered since; repeat under the same key")

    async def _is_on_record(self, connection: asyncpg.Connection, batch: _Batch) -> bool:
        """A batch that only remembers refusals has no journal row; writing it again is harmless."""
        if batch.head is None:
            return False
        stored = await connection.fetchval("SELECT hash FROM journal WHERE seq = $1", batch.head.seq)
        return stored is not None and bytes(stored) == batch.head.hash

    async def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _forget_image(self) -> None:
        self._image.clear()
        self._image_head = None

    def _fail(self, batch: list[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
                waiting.answer.exception()

    def _refuse_all(self, error: Exception) -> None:
        self._fail(list(self._queue), error)
        self._queue.clear()


async def _refuse_unbounded(connection: asyncpg.Connection) -> None:
    """Something between us and the server (a pooler, say) may have dropped our settings: then a paused writer could hold
    the head for ever."""
    for name in ("idle_in_transaction_session_timeout", "lock_timeout"):
        if await connection.fetchval("SELECT current_setting($1)", name) in {"0", None}:
            raise JournalUnavailable(f"the database connection does not keep {name}: connect without a pooler")


def _remembered(verdict: Committed | Refusal) -> Committed | RememberedRefusal:
    if isinstance(verdict, Committed):
        return verdict
    return RememberedRefusal(verdict.stable_code, verdict.message, verdict.detail)


def _replay(request: Request, earlier: store.Remembered) -> Committed | Refusal:
    """The remembered answer, word for word; another meaning under the same key is refused and not stored."""
    if earlier.digest != request.digest:
        return KeyReused()
    return replace(earlier.answer, replayed=True) if isinstance(earlier.answer, Committed) else earlier.answer
