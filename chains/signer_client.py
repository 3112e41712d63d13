"""The node's side of the signer's socket. It knows no key and no policy; it only asks.

What this prevents: a broken socket that looks like a refusal. Whatever goes wrong on the way is `SignerUnavailable`,
which says nothing about whether a signature was made: ask again with the same request and get the same bytes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chains.signer.serving.wire import (
    FRAME_BYTES_MAX,
    Ask,
    AskAct,
    AskCertify,
    AskCheck,
    AskDesk,
    AskProve,
    AskPublicKeys,
    AskSignMany,
    AskStatus,
    AskStop,
    FrameMalformed,
    Tell,
    TellAgreed,
    TellDesk,
    TellGathered,
    TellProven,
    TellPublicKeys,
    TellRefused,
    TellSigned,
    TellSignedMany,
    TellStatus,
    TellUnavailable,
    TellUnproven,
    TellVouched,
    check_socket_path,
    read_tell,
    write,
)
from wallet.addresses.certificate import Entry, Vouched
from wallet.ports import (
    BATCH_MAX,
    JournalKnows,
    Signed,
    SignerRefused,
    SignerSeen,
    SignerStatus,
    SignerUnavailable,
    SignRequest,
)

PROVEN_S_MAX = 3600  # so that the signer's memory knows how far the journal was, to the hour
Journal = Callable[[SignerSeen], Awaitable[JournalKnows]]
"""Answers what the journal knows, given what the signer has seen."""
TIMEOUT_S = 30  # many signatures' worth; the signer answers one at a time


_BATCH_BYTES_MAX = FRAME_BYTES_MAX >> 2  # of payloads: base64 makes them a third longer, the rest of a request is small


@dataclass(slots=True)
class _Waiting:
    request: SignRequest
    outcome: Signed | SignerRefused | SignerUnavailable | None = None


class SignerClient:
    """Implements `wallet.ports.Signer` over a Unix socket, one connection per question."""

    def __init__(self, socket: Path, *, timeout_s: int = TIMEOUT_S) -> None:
        self._socket = check_socket_path(socket)
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._waiting: list[_Waiting] = []
        self._journal: Journal | None = None
        self._session = ""
        self._proven_at = time.monotonic()

    async def status(self) -> SignerStatus:
        match await self._ask(AskStatus()):
            case TellStatus(status):
                return status
            case other:
                raise _unexpected(other)

    async def public_keys(self) -> Mapping[str, str]:
        match await self._ask(AskPublicKeys()):
            case TellPublicKeys(keys):
                return keys
            case other:
                raise _unexpected(other)

    async def check(self, request: SignRequest) -> None:
        match await self._ask_proven(lambda session: AskCheck(request, session)):
            case TellAgreed():
                return
            case other:
                raise _unexpected(other)

    async def certify(self, entries: Sequence[Entry]) -> Vouched:
        """As `wallet.addresses.certificate.Certifying`."""
        match await self._ask(AskCertify(tuple(entries))):
            case TellVouched(vouched):
                return vouched
            case other:
                raise _unexpected(other)

    async def stop(self, scope: str, why: str) -> SignerStatus:
        match await self._ask(AskStop(scope, why)):
            case TellStatus(status):
                return status
            case other:
                raise _unexpected(other)

    async def desk(self) -> TellDesk:
        """What people need to know before they sign an act."""
        match await self._ask(AskDesk()):
            case TellDesk() as told:
                return told
            case other:
                raise _unexpected(other)

    async def act(self, ask: AskAct) -> TellGathered:
        """One more signature for an act of people. Raises `SignerRefused`, `SignerUnavailable`."""
        match await self._ask(ask):
            case TellGathered() as gathered:
                return gathered
            case other:
                raise _unexpected(other)

    async def sign(self, request: SignRequest) -> Signed:
        """Whoever comes while a question is on its way goes with the next one, together with all who wait: one sync of the
        signer's memory then serves them all."""
        mine = _Waiting(request)
        self._waiting.append(mine)
        try:
            async with self._turn:
                if mine.outcome is None:
                    await self._sign_waiting()
        finally:
            self._waiting = [one for one in self._waiting if one is not mine]
        if isinstance(mine.outcome, Signed):
            return mine.outcome
        assert mine.outcome is not None, "the question that took it along has set it"
        raise mine.outcome

    async def sign_many(self, requests: Sequence[SignRequest]) -> Sequence[Signed | SignerRefused]:
        outcomes: list[Signed | SignerRefused] = []
        for few in _in_frames(requests):
            outcomes += await self._sign_at_once(few)
        return outcomes

    async def _sign_waiting(self) -> None:
        taken = [one for one in self._waiting if one.outcome is None]
        few = taken[: len(next(_in_frames([one.request for one in taken])))]
        try:
            outcomes: Sequence[Signed | SignerRefused | SignerUnavailable] = await self._sign_at_once(
                [one.request for one in few]
            )
        except SignerUnavailable as failure:
            outcomes = [failure] * len(few)
        for one, outcome in zip(few, outcomes, strict=True):
            one.outcome = outcome

    async def _sign_at_once(self, requests: Sequence[SignRequest]) -> list[Signed | SignerRefused]:
        match await self._ask_proven(lambda session: AskSignMany(tuple(requests), session)):
            case TellSignedMany(outcomes) if len(outcomes) == len(requests):
                return [_untold(one) for one in outcomes]
            case other:
                raise _unexpected(other)

    def show(self, journal: Journal) -> None:
        """What this node's journal knows is shown to the signer from now on, whenever it wants to see it."""
        self._journal = journal

    async def _ask_proven(self, ask: Callable[[str], Ask]) -> Tell:
        """A signer that has not seen our journal, in its life or within the hour, is shown it first."""
        if time.monotonic() - self._proven_at > PROVEN_S_MAX:
            self._session = ""
        tell = await self._ask(ask(self._session))
        if not isinstance(tell, TellUnproven):
            return tell
        await self._prove(tell.seen)
        return await self._ask(ask(self._session))

    async def _prove(self, seen: SignerSeen) -> None:
        if self._journal is None:
            raise SignerUnavailable("the signer wants to see a journal first, and this is no node")
        try:
            tell = await self._ask(AskProve(await self._journal(seen)))
        except SignerRefused as contradiction:
            raise SignerUnavailable(f"the signer and the journal contradict each other: {contradiction}") from None
        if not isinstance(tell, TellProven):
            raise _unexpected(tell)
        self._session, self._proven_at = tell.session, time.monotonic()

    async def _ask(self, ask: Ask) -> Tell:
        try:
            async with asyncio.timeout(self._timeout_s):
                tell = await self._exchange(ask)
        except (OSError, FrameMalformed) as failure:
            raise SignerUnavailable(f"no answer from the signer: {failure or type(failure).__name__}") from failure
        if isinstance(tell, TellRefused):
            raise _refusal(tell)
        if isinstance(tell, TellUnavailable):
            raise SignerUnavailable(tell.reason)
        return tell

    async def _exchange(self, ask: Ask) -> Tell:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            await write(writer, ask)
            return await read_tell(reader)
        finally:
            writer.close()


def _in_frames(requests: Sequence[SignRequest]) -> Iterator[Sequence[SignRequest]]:
    """In order, as many at once as one question carries; at least one."""
    start = size = 0
    for place, request in enumerate(requests):
        size += len(request.payload)
        if place > start and (size > _BATCH_BYTES_MAX or place - start == BATCH_MAX):
            yield requests[start:place]
            start, size = place, len(request.payload)
    if start < len(requests):
        yield requests[start:]


def _untold(outcome: TellSigned | TellRefused) -> Signed | SignerRefused:
    return outcome.signed if isinstance(outcome, TellSigned) else _refusal(outcome)


def _refusal(told: TellRefused) -> SignerRefused:
    return SignerRefused(told.reason, told.ground, approvals=told.approvals, reference=told.reference)


def _unexpected(tell: Tell) -> SignerUnavailable:
    return SignerUnavailable(f"the signer answered with {type(tell).__name__}")
