"""What the signer has signed, for ever: an append-only file that is synced before a signature leaves.

What this prevents: a withdrawal paid twice because the database forgot, was restored or lies; limits that a restart
resets; two signers that each keep half of the truth. The file is its own proof:

    MAC(0) {"memory_id": …}        MAC(n) = HMAC-SHA256(memory key, MAC(n-1) ‖ record n), in hex
    MAC(1) {"submission": …}       one record a line; a signature leaves only after its line and the head are synced
    MAC(2) {"control": …}          and lines of what people decided (`controls`), in the same chain
    MAC(3) …                       memory.head says how many lines were ever acknowledged, and the last one's MAC

A last line without its end was never acknowledged (the head does not count it) and is cut off. Anything else that does
not verify, or a file shorter than its head says, is damage or an old copy: the signer stays locked (`MemoryUnfit`).
No name and no IBAN is stored: of a payout file only digests and the signature.
"""

import fcntl
import hashlib
import hmac
import os
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import msgspec

from chains.signer.files import open_private, read_private
from chains.signer.memory.controls import Adopted, Control, Controls, decode_control, is_control
from wallet import durable

_MAC_TAG = b"coffer/signer-memory/1"
_MAC_CHARACTERS = 64
_HEAD_BYTES_MAX = 256
_UNUSED_BYTES_MAX = 4096  # a birth line is about 130
NEWEST = 256  # signatures that a node's journal is asked for: an older copy lacks the newest ones
_T = TypeVar("_T", bound=msgspec.Struct)


class MemoryUnfit(Exception):
    """The memory is missing, damaged, of another seed, or older than was acknowledged: nothing may be signed."""


class MemoryBusy(Exception):
    """Another signer holds this memory."""


class Spend(msgspec.Struct, frozen=True):
    """Units of one asset that count against its window. Text, since wei pass what JSON numbers hold everywhere."""

    asset: str
    units: str


class Record(msgspec.Struct, frozen=True):
    """One signature. `request` is the digest of the whole request; `signed` what must be kept to give the same bytes
    again; `outflows` what left us, `fee` the most that it could cost; `at` in Unix seconds, never going back. Of a
    replacement `outflows` are empty and `fee` is what it grew by; `constant` is the digest of what it may not change."""

    at: int
    submission: str
    network: str
    purpose: str
    request: str
    references: tuple[str, ...]
    consumes: tuple[str, ...]
    outflows: tuple[Spend, ...]
    fee: Spend
    tx: str
    signed: bytes
    replacement: int = 0
    constant: str = ""


class _Birth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    memory_id: str


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    records: int
    mac: str


class Window:
    """Running totals of one spending line, so that a window of any length is two look-ups."""

    __slots__ = ("_at", "_totals")

    def __init__(self) -> None:
        self._at: list[int] = []
        self._totals: list[int] = [0]

    def add(self, at: int, units: int) -> None:
        self._at.append(at)
        self._totals.append(self._totals[-1] + units)

    def since(self, at: int) -> int:
        """What was added later than `at`."""
        return self._totals[-1] - self._totals[bisect_right(self._at, at)]


def create_memory(file: Path, head: Path, *, memory_id: str, key: bytes) -> None:
    """A new, empty memory. Raises `FileExistsError` where there is one."""
    body = msgspec.json.encode(_Birth(memory_id))
    mac = _mac(key, b"", body)
    durable.create(file, mac.encode() + b" " + body + b"\n")
    durable.create(head, msgspec.json.encode(_Head(0, mac)))


def is_unused(file: Path) -> bool:
    """True for a memory that was born but never remembered a signature: at most whom it enrolled, and their policy."""
    with os.fdopen(open_private(file, os.O_RDONLY), "rb") as source:
        _, *lines = source.readlines(_UNUSED_BYTES_MAX) or [b""]
        return all(is_control(line[_MAC_CHARACTERS + 1 :]) for line in lines) and not source.read(1)


class Memory:
    """The open memory of the one signer that holds its lock."""

    def __init__(self, file: Path, head: Path, *, memory_id: str, key: bytes) -> None:
        """Open, lock and verify all of it. Raises `MemoryBusy`, `MemoryUnfit`."""
        self._head_file = head
        self._key = key
        self._places: dict[str, dict[int, tuple[int, int]]] = {}
        self._references: dict[str, str] = {}
        self._consumed: dict[tuple[str, str], str] = {}
        self._outflows: defaultdict[tuple[str, str], Window] = defaultdict(Window)
        self._fees: defaultdict[str, Window] = defaultdict(Window)
        self._at = self._records = self._end = 0
        self._mac = ""
        self._broken: str | None = None
        self._staged: dict[int, bytes] = {}
        self._unwritten: list[bytes] = []
        self._newest: deque[str] = deque(maxlen=NEWEST)
        self.controls = Controls()
        with ExitStack() as undo:
            self._descriptor = _open_locked(file)
            undo.callback(self.close)
            self._replay(file, memory_id)
            undo.pop_all()

    def close(self) -> None:
        os.close(self._descriptor)

    @property
    def broken(self) -> str | None:
        """Why nothing can be remembered any more, None while all is well."""
        return self._broken

    def recall(self, submission: str, replacement: int = 0) -> Record | None:
        """What was signed for this submission, or as its n-th replacement, read from the file again; what is staged, from
        what will be written."""
        place = self._places.get(submission, {}).get(replacement)
        return None if place is None else self._read(*place)

    def variants(self, submission: str) -> list[Record]:
        """All that was signed for this submission, in the order in which it was."""
        return [self._read(*place) for place in self._places.get(submission, {}).values()]

    def _read(self, start: int, length: int) -> Record:
        body = self._staged.get(start)
        return msgspec.json.decode(os.pread(self._descriptor, length, start) if body is None else body, type=Record)

    @property
    def records(self) -> int:
        """Lines so far, of whatever sort."""
        return self._records

    def has_signed(self, submission: str) -> bool:
        return submission in self._places

    def newest(self) -> tuple[str, ...]:
        """The submissions signed last, since people last vouched for memory and journal."""
        return tuple(self._newest)

    def reference_user(self, reference: str) -> str | None:
        """The submission that used up this withdrawal id."""
        return self._references.get(reference)

    def consumer(self, network: str, consumed: str) -> str | None:
        """The submission that used up this nonce, outpoint or message id."""
        return self._consumed.get((network, consumed))

    def spent(self, network: str, asset: str, *, since: int) -> int:
        """Units of an asset that left later than `since`."""
        return self._outflows[network, asset].since(since)

    def fees(self, network: str, *, since: int) -> int:
        """Units of network fee promised later than `since`."""
        return self._fees[network].since(since)

    def time(self, now: int) -> int:
        """A clock that went back does not reopen a window."""
        return max(now, self._at)

    def append(self, record: Record) -> None:
        """Remember durably; only then may the signature leave. Raises `MemoryUnfit`, as `sync` does."""
        self.stage(record)
        self.sync()

    def stage(self, record: Record) -> None:
        """From now on every judgement knows of it; no signature may leave before `sync`. Raises `MemoryUnfit`."""
        if self._broken is not None:
            raise MemoryUnfit(self._broken)
        body = msgspec.json.encode(record)
        self._take_in(record, self._line(body), body)
        self._staged[self._end - len(body) - 1] = body

    def stage_control(self, control: Control) -> None:
        """In force from now on, and for ever after `sync`. Raises `MemoryUnfit`."""
        if self._broken is not None:
            raise MemoryUnfit(self._broken)
        body = msgspec.json.encode(control)
        self._take_control(control, self._line(body), body)

    def _line(self, body: bytes) -> str:
        mac = _mac(self._key, self._mac.encode(), body)
        self._unwritten.append(mac.encode() + b" " + body + b"\n")
        return mac

    def sync(self) -> None:
        """Make everything that is staged durable: one write for all of it.

        Raises `MemoryUnfit` when the disk fails, and from then on always: a failed sync is never tried again, since
        the kernel may have dropped what it could not write.
        """
        if self._broken is not None:
            raise MemoryUnfit(self._broken)
        if not self._unwritten:
            return
        try:
            self._write(b"".join(self._unwritten))
            durable.replace(self._head_file, msgspec.json.encode(_Head(self._records, self._mac)))
        except OSError as failure:
            self._broken = f"the memory could not be written ({failure.strerror}); restart when the disk is sound"
            raise MemoryUnfit(self._broken) from None
        self._unwritten.clear()
        self._staged.clear()

    def _write(self, lines: bytes) -> None:
        if os.write(self._descriptor, lines) != len(lines):
            raise OSError(0, "the disk took only a part")
        os.fsync(self._descriptor)

    def _take_in(self, record: Record, mac: str, body: bytes) -> None:
        start = self._advance(record.at, mac, body)
        self._places.setdefault(record.submission, {})[record.replacement] = (start, len(body))
        self._newest.append(record.submission)
        self._references.update(dict.fromkeys(record.references, record.submission))
        self._consumed.update({(record.network, one): record.submission for one in record.consumes})
        for spend in record.outflows:
            self._outflows[record.network, spend.asset].add(record.at, int(spend.units))
        self._fees[record.network].add(record.at, int(record.fee.units))
        left = [(one.asset, int(one.units)) for one in (*record.outflows, record.fee)]
        self.controls.count(record.at, record.network, left, len(record.references) if record.outflows else 0)

    def _take_control(self, control: Control, mac: str, body: bytes) -> None:
        self._advance(control.at, mac, body)
        self.controls.take(control, mac)
        if isinstance(control, Adopted):
            self._newest.clear()

    def _advance(self, at: int, mac: str, body: bytes) -> int:
        """Where the new line's body begins."""
        start = self._end + _MAC_CHARACTERS + 1
        self._end = start + len(body) + 1
        self._mac = mac
        self._records += 1
        self._at = at
        return start

    def _replay(self, file: Path, memory_id: str) -> None:
        head = _read_head(self._head_file)
        lines = _lines(self._descriptor)
        self._begin(next(lines, b""), memory_id)
        acknowledged = self._mac if head.records == 0 else None
        for line in lines:
            if not line.endswith(b"\n"):
                break
            self._replay_line(line)
            if self._records == head.records:
                acknowledged = self._mac
        if acknowledged is None or not _same(acknowledged, head.mac):
            raise MemoryUnfit(f"{file} is older than what was acknowledged, or another")
        self._cut_tail()

    def _begin(self, line: bytes, memory_id: str) -> None:
        """The first line must be the birth of the very memory that the keystore names."""
        mac, body = _split(line)
        birth = _decode(body, _Birth)
        if birth.memory_id != memory_id or not _same(mac, _mac(self._key, b"", body)):
            raise MemoryUnfit("the memory is another signer's")
        self._mac = self.controls.challenge = mac
        self._end = len(line)

    def _replay_line(self, line: bytes) -> None:
        mac, body = _split(line)
        if not _same(mac, _mac(self._key, self._mac.encode(), body)):
            raise MemoryUnfit(f"the memory is damaged at record {self._records + 1}")
        if is_control(body):
            self._take_control(_decoded_control(body), mac, body)
        else:
            self._take_in(_decode(body, Record), mac, body)

    def _cut_tail(self) -> None:
        """Drop what a crash left of a line that was never acknowledged, and bring the head up to the last whole one."""
        if os.fstat(self._descriptor).st_size > self._end:
            os.ftruncate(self._descriptor, self._end)
            os.fsync(self._descriptor)
        durable.replace(self._head_file, msgspec.json.encode(_Head(self._records, self._mac)))


def _open_locked(file: Path) -> int:
    try:
        descriptor = open_private(file, os.O_RDWR | os.O_APPEND)
    except FileNotFoundError:
        raise MemoryUnfit(f"{file} is missing, but its keystore is here") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise MemoryBusy(f"another signer holds {file}") from None
    return descriptor


def _lines(descriptor: int) -> Iterator[bytes]:
    with open(descriptor, "rb", closefd=False) as source:
        yield from source


def _read_head(file: Path) -> _Head:
    try:
        return _decode(read_private(file, bytes_max=_HEAD_BYTES_MAX), _Head)
    except FileNotFoundError:
        raise MemoryUnfit(f"{file} is missing") from None


def _split(line: bytes) -> tuple[str, bytes]:
    mac, separator, body = (
        line[:_MAC_CHARACTERS],
        line[_MAC_CHARACTERS : _MAC_CHARACTERS + 1],
        line[_MAC_CHARACTERS + 1 :],
    )
    if separator != b" " or not mac.isascii() or not body.endswith(b"\n"):
        raise MemoryUnfit("the memory is damaged: a line has no seal")
    return mac.decode("ascii"), body[:-1]


def _decode(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MemoryUnfit("the memory or its head is damaged") from None


def _decoded_control(body: bytes) -> Control:
    try:
        return decode_control(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MemoryUnfit("the memory is damaged") from None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _mac(key: bytes, previous: bytes, body: bytes) -> str:
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (_MAC_TAG, previous, body))
    return hmac.new(key, message, hashlib.sha256).hexdigest()
