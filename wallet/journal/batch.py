"""Deciding a batch: judge each Change in order, seal what is accepted into the chain, sign the receipts. Pure.

Values in, a `Batch` out: whether it is then written depends on whether the books still stand where it was judged.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import msgspec

from wallet.errors import Refusal, RememberedRefusal, Stale
from wallet.journal.body import Body, Written, encode_body, time_text, wire_write, written
from wallet.journal.chain import link
from wallet.journal.change import Change, Committed, Request
from wallet.journal.head import Head
from wallet.journal.judge import JudgedTransfer, Known, OpenHold, Totals, judge
from wallet.journal.receipts import JournalKey, claim_of
from wallet.journal.remembered import Remembered, RequestKey, remembered_refusal, replay, request_key
from wallet.journal.sealing import Sealing
from wallet.journal.sql import SqlStatement
from wallet.ledger.transfers import Entry

Verdict = Committed | Refusal | Stale


class Waiting(msgspec.Struct):
    """A Change in the queue, with its row writes and body encoded, and who waits for the answer."""

    change: Change
    writes: list[Written]
    body: Body
    answer: asyncio.Future[Committed]


def waiting_for(change: Change, answer: asyncio.Future[Committed]) -> Waiting:
    """Raises what a Change raises that cannot be spelled."""
    wires = [wire_write(write) for write in change.writes]
    return Waiting(change, [written(wire) for wire in wires], encode_body(change, wires, change.entry), answer)


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """An accepted Change at its place in the chain."""

    seq: int
    hash: bytes
    body: bytes
    change: Change
    writes: list[Written]
    judged: list[JudgedTransfer]


@dataclass(slots=True)
class Batch:
    """What one transaction decides. `head` is where it leaves the journal: `before`, behind another fence, if it only answers.
    `epoch` is that of the image on which it was judged; `statements` are what writes it."""

    before: Head
    at: datetime
    known: Known
    remembered: dict[RequestKey, Remembered]
    totals_before: dict[str, Totals] = field(default_factory=dict)
    holds_before: dict[str, OpenHold] = field(default_factory=dict)
    sealed: list[Sealed] = field(default_factory=list)
    answers: list[tuple[Request, Committed | RememberedRefusal]] = field(default_factory=list)
    answered: dict[RequestKey, Remembered] = field(default_factory=dict)
    verdicts: list[tuple[Waiting, Verdict]] = field(default_factory=list)
    sealing: Sealing = field(default_factory=lambda: Sealing(None))
    epoch: int = 0
    statements: list[SqlStatement] = field(default_factory=list)

    @property
    def head(self) -> Head:
        if not self.sealed:
            return replace(self.before, fence=self.before.fence + 1) if self.answers else self.before
        return Head(self.sealed[-1].seq, self.sealed[-1].hash, self.at, self.before.fence)


def decide(
    waiting: Sequence[Waiting],
    before: Head,
    at: datetime,
    known: Known,
    remembered: dict[RequestKey, Remembered],
    key: JournalKey | None,
) -> Batch:
    """`known` and `remembered` become the batch's own and are advanced by it."""
    batch = Batch(before, at, known, remembered, dict(known.totals), dict(known.holds), sealing=Sealing(key))
    at_text = time_text(at).encode()
    for one in waiting:
        batch.verdicts.append((one, _verdict(one, batch, at_text)))
    batch.sealing.sign(at)
    return batch


def _verdict(waiting: Waiting, batch: Batch, at_text: bytes) -> Verdict:
    request = waiting.change.request
    if request is None:
        return _judged(waiting, batch, at_text)
    named = request_key(request)
    earlier = batch.remembered.get(named)
    if earlier is not None:
        return replay(request, earlier)
    verdict = _judged(waiting, batch, at_text)
    if isinstance(verdict, Stale):
        return verdict
    end = verdict if isinstance(verdict, Committed) else remembered_refusal(verdict)
    batch.answers.append((request, end))
    batch.remembered[named] = batch.answered[named] = Remembered(request.digest, end)
    return verdict


def _judged(waiting: Waiting, batch: Batch, at_text: bytes) -> Verdict:
    """A refusal is told without its traceback, which would hold this frame, and so itself and the whole batch: garbage that
    only the collector finds."""
    try:
        judged = judge(waiting.change, batch.known)
    except (Refusal, Stale) as no:
        return no.with_traceback(None)
    return _sealed(waiting, judged, batch, at_text)


def _sealed(waiting: Waiting, judged: list[JudgedTransfer], batch: Batch, at_text: bytes) -> Committed:
    change, sealed = waiting.change, batch.sealed
    seq, previous = (sealed[-1].seq + 1, sealed[-1].hash) if sealed else (batch.before.seq + 1, batch.before.hash)
    body = waiting.body
    if _is_balanced(change.entry):  # the Journal has just decided on it
        body = encode_body(change, [wire_write(write) for write in change.writes], tuple(j.transfer for j in judged))
    digest = link(previous, seq, batch.at, body.whole)
    if batch.sealing.key is not None:
        batch.sealing.add(digest, claim_of(at_text, change.kind, body.request, body.result))
    receipt = partial(batch.sealing.receipt, len(sealed))
    sealed.append(Sealed(seq, digest, body.whole, change, waiting.writes, judged))
    return Committed(seq, batch.at, change.result, receipt=receipt)


def _is_balanced(entry: Entry) -> bool:
    for transfer in entry:  # noqa: SIM110 (a generator for `any` would cost each payment three times as much)
        if transfer.otherwise is not None:
            return True
    return False
