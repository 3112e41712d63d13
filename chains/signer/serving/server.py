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

import structlog

from chains.signer.files import make_private_folder
from chains.signer.serving.answers import Served, answer
from chains.signer.serving.wire import FrameMalformed, check_socket_path, read_ask, write

CONNECTIONS_MAX = 64  # the node opens one per call; more means that somebody plays
IDLE_S_MAX = 60
ANSWER_S_MAX = 10  # to take an answer off the socket
_PEER_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: SO_PEERCRED in socket(7)

_log = structlog.get_logger(__name__)


class SocketTaken(Exception):
    """Somebody listens on the socket already."""


class SignerServer:
    """Answers for `signer` on a socket until closed."""

    def __init__(self, signer: Served, path: Path, *, must_prove: bool = False) -> None:
        """`must_prove`: nothing is signed before a node has shown a journal that does not contradict the memory."""
        self._must_prove = must_prove
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
            tell = await answer(self._signer, ask, must_prove=self._must_prove)
            async with asyncio.timeout(ANSWER_S_MAX):
                await write(writer, tell)


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
