"""The signer behind its Unix socket: only our own user (or root) may ask, one question after the other.

What this prevents: another user of the machine asking for signatures; a peer that keeps the signer busy; two signers on
one socket.
"""

import asyncio
import os
import socket
import struct
from contextlib import closing
from pathlib import Path
from typing import Protocol

import structlog

from chains.signer.desk import Desk, stops_told
from chains.signer.files import make_private_folder
from chains.signer.wire import (
    Ask,
    AskCheck,
    AskDesk,
    AskPeople,
    AskPublicKeys,
    AskResume,
    AskSign,
    AskSignMany,
    AskStatus,
    AskStop,
    FrameMalformed,
    Tell,
    TellAgreed,
    TellDesk,
    TellGathered,
    TellPublicKeys,
    TellRefused,
    TellSigned,
    TellSignedMany,
    TellStatus,
    TellUnavailable,
    check_socket_path,
    read_ask,
    write,
)
from wallet.ports import Signed, Signer, SignerRefused, SignerUnavailable, SignRequest

CONNECTIONS_MAX = 64  # the node opens one per call; more means that somebody plays
IDLE_S_MAX = 60
ANSWER_S_MAX = 10  # to take an answer off the socket
_PEER_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: SO_PEERCRED in socket(7)

_log = structlog.get_logger(__name__)


class SocketTaken(Exception):
    """Somebody listens on the socket already."""


class Served(Signer, Protocol):
    """A signer, and where people speak to it; None while it is locked."""

    @property
    def desk(self) -> Desk | None: ...


class SignerServer:
    """Answers for `signer` on a socket until closed."""

    def __init__(self, signer: Served, path: Path) -> None:
        self._signer = signer
        self._path = check_socket_path(path)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises `SocketTaken`, `FileUnsafe` for a folder that others can enter."""
        make_private_folder(self._path.parent)
        _refuse_taken(self._path)
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        self._path.chmod(0o600)

    async def close(self) -> None:
        """Stop listening and take the socket away. A question in work is answered first: no step of it awaits."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
            self._server = None
        conversations = list(self._connections)
        for writer in self._connections.values():
            writer.close()
        if conversations:
            await asyncio.wait(conversations, timeout=ANSWER_S_MAX)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.current_task()
        assert conversation is not None, "the server runs this as a task"
        self._connections[conversation] = writer
        try:
            if len(self._connections) <= CONNECTIONS_MAX and _peer_allowed(writer):
                await self._converse(reader, writer)
        except (OSError, FrameMalformed) as failure:
            _log.warning("connection_dropped", reason=type(failure).__name__)
        finally:
            writer.close()
            del self._connections[conversation]

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(IDLE_S_MAX):
                ask = await read_ask(reader)
            if ask is None:
                return
            tell = await answer(self._signer, ask)
            async with asyncio.timeout(ANSWER_S_MAX):
                await write(writer, tell)


async def answer(signer: Served, ask: Ask) -> Tell:
    """The answer to one question; refusals are answers."""
    try:
        tell = await _ask(signer, ask)
    except SignerRefused as refusal:
        tell = _refusal(refusal)
    except SignerUnavailable as locked:
        tell = TellUnavailable(str(locked))
    _record_asked(ask, tell)
    return tell


async def _ask(signer: Served, ask: Ask) -> Tell:
    match ask:
        case AskStatus():
            return TellStatus(await signer.status())
        case AskPublicKeys():
            return TellPublicKeys(dict(await signer.public_keys()))
        case AskCheck(request):
            await signer.check(request)
            return TellAgreed()
        case AskSign(request):
            return TellSigned(await signer.sign(request))
        case AskSignMany(requests):
            return TellSignedMany(tuple(map(_told, await signer.sign_many(requests))))
        case _:
            return await _ask_for_people(signer, ask)


async def _ask_for_people(signer: Served, ask: AskPeople) -> Tell:
    if isinstance(ask, AskStop):
        return TellStatus(await signer.stop(ask.scope, ask.why))
    desk = signer.desk
    if desk is None:
        raise SignerUnavailable("the signer is locked; nothing can be decided here")
    match ask:
        case AskDesk():
            who = desk.operators
            return TellDesk(desk.controls.challenge, who.needed, who.keys, stops_told(desk.controls))
        case AskResume(scope, why, approval):
            done = desk.resume(scope, why, approval)
            return TellGathered(done.signed, done.needed, done.done)


def _told(outcome: Signed | SignerRefused) -> TellSigned | TellRefused:
    return TellSigned(outcome) if isinstance(outcome, Signed) else _refusal(outcome)


def _refusal(refused: SignerRefused) -> TellRefused:
    return TellRefused(str(refused), refused.ground, refused.approvals, refused.reference)


def _record_asked(ask: Ask, tell: Tell) -> None:
    match ask, tell:
        case AskSignMany(requests), TellSignedMany(outcomes):
            for request, outcome in zip(requests, outcomes, strict=True):
                _record("AskSign", request, outcome)
        case AskSignMany(requests), _:
            for request in requests:
                _record("AskSign", request, tell)
        case AskCheck(request) | AskSign(request), _:
            _record(type(ask).__name__, request, tell)
        case AskStop(scope, _) | AskResume(scope, _, _), _:
            _log.warning("signer_told", question=type(ask).__name__, scope=scope[:80], outcome=type(tell).__name__)


def _record(question: str, request: SignRequest, tell: Tell) -> None:
    """One line per question that concerns money: ids, the outcome and the rule, never the payload."""
    reason = tell.reason if isinstance(tell, TellRefused | TellUnavailable) else None
    _log.info(
        "signer_asked",
        question=question,
        submission=request.submission[:64],
        network=request.network[:64],
        purpose=request.purpose.value,
        outcome=type(tell).__name__,
        reason=reason,
    )


def _peer_allowed(writer: asyncio.StreamWriter) -> bool:
    peer: socket.socket = writer.get_extra_info("socket")
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    _, uid, _ = _PEER_CREDENTIALS.unpack(credentials)
    if uid in {os.geteuid(), 0}:
        return True
    _log.warning("peer_refused", uid=uid)
    return False


def _refuse_taken(path: Path) -> None:
    """A socket file that nobody listens on is what a killed signer left; it is replaced."""
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            path.unlink()
            return
    raise SocketTaken(f"somebody listens on {path} already")
