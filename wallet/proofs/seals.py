"""The seals of the journal, block by block: no row missing, the chain, kind and actor as sealed, the batches, their roots.

It needs nothing but the rows and the batches, so it may run one block ahead of the replay, in a process of its own: a
`Sealer` is wherever that is. Signatures are collected and checked a block at a time, for they can be shared out.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from wallet.journal.chain import GENESIS, TAG
from wallet.journal.seen import seen_beside
from wallet.ledger.accounts import owner_of
from wallet.proofs.batches import BatchProof, BatchSignature, read_batch
from wallet.proofs.broken import BooksBroken
from wallet.proofs.copied import chain_words, journal_rows, tail
from wallet.proofs.replay import Wire

_DAY_US = 86_400_000_000

BatchRow = tuple[int, int, datetime, bytes | None, str | None, bytes | None]


class Outside(msgspec.Struct, gc=False):
    """Of a body, what its seals speak of. `data`, `result` and `request` stay the bytes that they are."""

    actor: str
    data: msgspec.Raw
    entry: list[Wire]
    kind: str
    request: msgspec.Raw
    result: msgspec.Raw
    viewers: list[str]


class BlockSeal(msgspec.Struct, frozen=True):
    """Up to where a block is sound: the last such row, its hash and its time in microseconds. `broken` says what is wrong
    with the next one, or with its batch."""

    seq: int
    hash: bytes
    at: int
    broken: str | None = None


class Told(msgspec.Struct, frozen=True):
    """At the end: how many batches and receipts; digests of what the tables `requests` and `journal_viewers` must say, of
    requests by the day of their answer, counted from 1970-01-01, since days are forgotten whole."""

    batches: int
    receipts: int
    answered: dict[int, bytes]
    seen: bytes


class Sealer(Protocol):
    """Takes blocks in order, the next before the last is answered if need be."""

    async def take(self, journal: bytes, batches: Sequence[BatchRow]) -> BlockSeal:
        """A block's rows as a binary copy, and the batches that end in it or after it, each handed in once."""
        ...

    async def close(self, listed: Sequence[str]) -> Told:
        """After the last block; `listed` are the keys on record. Raises `BooksBroken`."""
        ...


read_outside = msgspec.json.Decoder(Outside).decode
read_request = msgspec.json.Decoder(tuple[str, str, str, str] | None).decode


@dataclass(slots=True)
class Seals:
    """How far the seals are sound, and what follows from them. Pure."""

    seq: int = 0
    hash: bytes = GENESIS
    at: int = 0
    batches: BatchProof = field(default_factory=BatchProof)
    answered: dict[int, Any] = field(default_factory=dict)
    seen: Any = field(default_factory=hashlib.sha256)

    def take(self, copied: bytes, batches: Iterable[BatchRow]) -> tuple[BlockSeal, list[BatchSignature]]:
        """Rows one after the other up to the first bad one, and the signatures that are still to be checked."""
        self.batches.expect(read_batch(*row) for row in batches)
        answers: dict[int, list[str]] = {}
        viewers: list[str] = []
        broken = None
        try:
            for seq, at, record, rest in journal_rows(copied):
                self._take_row(seq, at, record, copied, rest, answers, viewers)
        except BooksBroken as error:
            broken = str(error)
        for day, lines in answers.items():
            self.answered.setdefault(day, hashlib.sha256()).update("".join(lines).encode())
        self.seen.update("".join(viewers).encode())
        return BlockSeal(self.seq, self.hash, self.at, broken), self.batches.take_signatures()

    def _take_row(
        self,
        seq: int,
        at: int,
        record: bytes,
        copied: bytes,
        rest: int,
        answers: dict[int, list[str]],
        viewers: list[str],
    ) -> None:
        if seq != self.seq + 1:
            raise BooksBroken(f"journal row {self.seq + 1} is missing: the next is {seq}")
        digest = sha256(b"".join((TAG, self.hash, chain_words(seq, at, record), record))).digest()
        body = _sound_body(seq, record, digest, copied, rest)
        self.batches.take(seq, at, digest, body.kind, body.request, body.data, body.result)
        request = read_request(body.request)
        if request is not None:
            day = day_of(at)
            answers.setdefault(day, []).append(answer_line(seq, day, request))
        viewers += viewer_lines(seq, body)
        self.seq, self.hash, self.at = seq, digest, at

    def close(self, listed: Iterable[str]) -> Told:
        """Raises `BooksBroken`."""
        self.batches.close(dict.fromkeys(listed))
        answered = {day: lines.digest() for day, lines in self.answered.items()}
        return Told(self.batches.batches, self.batches.receipts, answered, self.seen.digest())


class HereSealer:
    """In this process, one block when it is taken."""

    def __init__(self) -> None:
        self._seals = Seals()

    async def take(self, journal: bytes, batches: Sequence[BatchRow]) -> BlockSeal:
        """As `Sealer` says."""
        sealed, signatures = self._seals.take(journal, batches)
        return with_signatures(sealed, next((one for one in signatures if not one.is_sound()), None))

    async def close(self, listed: Sequence[str]) -> Told:
        """As `Sealer` says."""
        return self._seals.close(listed)


def with_signatures(sealed: BlockSeal, bad: BatchSignature | None) -> BlockSeal:
    """The first bad signature of a block comes before whatever row stopped it."""
    if bad is None:
        return sealed
    return msgspec.structs.replace(sealed, seq=bad.last - 1, broken=bad.complaint)


def _sound_body(seq: int, record: bytes, digest: bytes, copied: bytes, rest: int) -> Outside:
    """Raises `BooksBroken` if hash, kind or actor, which stand at `rest`, are not those of the record."""
    name = f"journal row {seq}"
    if not copied.startswith(digest, rest + 4):
        raise BooksBroken(f"{name} does not match its hash: it, its time or its place was changed")
    try:
        body = read_outside(record)
    except msgspec.DecodeError as error:
        raise BooksBroken(f"{name} cannot be read: {error}") from error
    if not copied.startswith(tail(digest, body.kind, body.actor), rest):
        raise BooksBroken(f"{name}: kind or actor differ from the sealed body")
    return body


def day_of(at: int) -> int:
    """The day of a time in microseconds, both counted from 1970-01-01 in UTC."""
    return at // _DAY_US


def answer_line(seq: int, day: int, request: tuple[str, str, str, str]) -> str:
    """What the table of requests must say of an accepted one."""
    owner, operation, key, digest = request
    return f"{seq}\t{day}\t{owner}\t{operation}\t{_copied(key)}\t{digest}\n"


def viewer_lines(seq: int, body: Outside) -> list[str]:
    """What the table of viewers must say of a Change."""
    if not body.viewers:
        return []
    owners = {owner_of(account) for _, debit, credit, *_ in body.entry for account in (debit, credit)}
    return [viewer_line(seq, viewer) for viewer in sorted(seen_beside(body.viewers, owners))]


def viewer_line(seq: int, viewer: str) -> str:
    return f"{seq}\t{_copied(viewer)}\n"


_ESCAPED = {ord(raw): "\\" + name for raw, name in zip("\b\f\n\r\t\v\\", "bfnrtv\\", strict=True)}


def _copied(text: str) -> str:
    """As COPY writes a text (PostgreSQL documentation, COPY, "Text Format")."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPED)
