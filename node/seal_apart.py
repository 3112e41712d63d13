"""The seals of the journal, checked in processes of their own while this one replays: for `coffer verify` on a long journal.

    replay ── block, in shared memory ─▶ the sealing process ── what is sound, signatures to check ─▶ the checking ones

One process follows the chain, for each hash rests on the one before. Signatures rest on nothing, and where every Change
was a batch of its own they cost most: beyond a few they are shared out. A line of JSON says what lies where, and a line
comes back. The processes end when their input does, so none is left behind.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field

import msgspec

from node.collector import settle_collector
from wallet.proofs.batches import BatchSignature
from wallet.proofs.broken import BooksBroken
from wallet.proofs.seals import BatchRow, BlockSeal, Seals, Told, with_signatures

SLOTS = 3  # blocks on their way: one is sealed, one waits for it, one is being written
SHARED_FROM = 100  # signatures of a block; fewer are checked where they are met, in some milliseconds
SHARE = 250  # signatures handed out at once: some ten milliseconds
CHECKING_MAX = 7  # processes; beyond, the one that replays is the slowest


class SealingEnded(Exception):
    """A process that checks seals went away. Nothing is said about the books."""

    def __init__(self) -> None:
        super().__init__("a process that checks seals has ended, by a signal or for want of memory: try again")


class _Take(msgspec.Struct, tag=True):
    slot: int
    journal: int
    batches: int


class _Check(msgspec.Struct, tag=True):
    slot: int
    start: int
    length: int


class _Close(msgspec.Struct, tag=True):
    listed: list[str]


class _Taken(msgspec.Struct):
    """`shares` are places in the slot where signatures lie that are still to be checked."""

    sealed: BlockSeal
    shares: list[tuple[int, int]]


class _Checked(msgspec.Struct):
    bad: BatchSignature | None


class _Closed(msgspec.Struct):
    told: Told | None
    broken: str | None


_Asked = _Take | _Check | _Close
_encode = msgspec.json.Encoder().encode
_read_batches = msgspec.msgpack.Decoder(list[BatchRow]).decode
_read_signatures = msgspec.msgpack.Decoder(list[BatchSignature]).decode

# ── the side that replays ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Process:
    process: asyncio.subprocess.Process
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, asked: _Asked) -> bytes:
        """One answer after the other. Raises `SealingEnded`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with self._turn:
            try:
                self.process.stdin.write(_encode(asked) + b"\n")
                answer = await self.process.stdout.readline()
            except ConnectionError as error:
                raise SealingEnded from error
        if not answer:
            raise SealingEnded
        return answer

    async def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()


@dataclass(slots=True)
class ApartSealer:
    """A `Sealer`. The first process seals, the others check signatures and are started when there are some."""

    _memory: list[int]
    _ends: AsyncExitStack
    _processes: list[_Process] = field(default_factory=list)
    _free: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def processes(self) -> list[asyncio.subprocess.Process]:
        return [one.process for one in self._processes]

    async def take(self, journal: bytes, batches: Sequence[BatchRow]) -> BlockSeal:
        """As `Sealer` says. Raises `SealingEnded`."""
        slot = await self._free.get()
        try:
            told = msgspec.msgpack.encode(batches)
            os.pwrite(self._memory[slot], journal, 0)
            os.pwrite(self._memory[slot], told, len(journal))
            answer = await self._processes[0].ask(_Take(slot, len(journal), len(told)))
            taken = msgspec.json.decode(answer, type=_Taken)
            return with_signatures(taken.sealed, await self._check(slot, taken.shares))
        finally:
            self._free.put_nowait(slot)

    async def close(self, listed: Sequence[str]) -> Told:
        """As `Sealer` says. Raises `SealingEnded`."""
        closed = msgspec.json.decode(await self._processes[0].ask(_Close(list(listed))), type=_Closed)
        if closed.told is None:
            raise BooksBroken(closed.broken or "")
        return closed.told

    async def start(self, slots: range) -> None:
        await self._start_one()
        for slot in slots:
            self._free.put_nowait(slot)

    async def _check(self, slot: int, shares: Sequence[tuple[int, int]]) -> BatchSignature | None:
        """The first bad one."""
        if not shares:
            return None
        async with self._starting:
            for _ in range(len(self._processes) - 1, _checking()):
                await self._start_one()
        checking = self._processes[1:]
        asked = [checking[n % len(checking)].ask(_Check(slot, *share)) for n, share in enumerate(shares)]
        answers = await asyncio.gather(*asked)
        found = (msgspec.json.decode(answer, type=_Checked).bad for answer in answers)
        return next((bad for bad in found if bad is not None), None)

    async def _start_one(self) -> None:
        pipe = asyncio.subprocess.PIPE
        words = (sys.executable, "-m", "node.seal_apart", *map(str, self._memory))
        process = _Process(await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, pass_fds=self._memory))
        self._ends.push_async_callback(process.end)
        self._processes.append(process)


def _checking() -> int:
    """One for each core but that of the process that seals."""
    return min(max((os.cpu_count() or 1) - 1, 1), CHECKING_MAX)


@asynccontextmanager
async def apart_sealer() -> AsyncIterator[ApartSealer]:
    """Its processes have ended when this is left."""
    async with AsyncExitStack() as ends:
        memory = [os.memfd_create(f"coffer-seals-{slot}") for slot in range(SLOTS)]
        for descriptor in memory:
            ends.callback(os.close, descriptor)
        sealer = ApartSealer(memory, ends)
        await sealer.start(range(SLOTS))
        yield sealer


# ── the side that seals ──────────────────────────────────────────────────────────────────────────────────────────────


def serve(memory: Sequence[int]) -> None:
    """Line by line until there are no more."""
    settle_collector()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C we hear by the end of our input
    seals = Seals()
    with closing(sys.stdin.buffer) as lines:
        for line in lines:
            sys.stdout.buffer.write(_encode(_answer(memory, seals, msgspec.json.decode(line, type=_Asked))) + b"\n")
            sys.stdout.buffer.flush()


def _answer(memory: Sequence[int], seals: Seals, asked: _Asked) -> msgspec.Struct:
    match asked:
        case _Take(slot, journal, batches):
            return _take(memory[slot], seals, journal, batches)
        case _Check(slot, start, length):
            return _Checked(_first_bad(_read_signatures(os.pread(memory[slot], length, start))))
        case _Close(listed):
            try:
                return _Closed(seals.close(listed), None)
            except BooksBroken as error:
                return _Closed(None, str(error))


def _take(memory: int, seals: Seals, journal: int, batches: int) -> _Taken:
    rows = _read_batches(os.pread(memory, batches, journal))
    sealed, signatures = seals.take(os.pread(memory, journal, 0), rows)
    if len(signatures) < SHARED_FROM:
        return _Taken(with_signatures(sealed, _first_bad(signatures)), [])
    return _Taken(sealed, list(_laid_out(memory, signatures)))


def _laid_out(memory: int, signatures: Sequence[BatchSignature]) -> list[tuple[int, int]]:
    """Over the block, which has been read."""
    shares, start = [], 0
    for first in range(0, len(signatures), SHARE):
        share = msgspec.msgpack.encode(signatures[first : first + SHARE])
        os.pwrite(memory, share, start)
        shares.append((start, len(share)))
        start += len(share)
    return shares


def _first_bad(signatures: Sequence[BatchSignature]) -> BatchSignature | None:
    return next((one for one in signatures if not one.is_sound()), None)


if __name__ == "__main__":
    serve([int(word) for word in sys.argv[1:]])
