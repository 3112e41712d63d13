"""A line to PostgreSQL on which a call is over before anything else happens: written, awaited and read in one go.

The answer is handed over after a virtual delay that the seed chooses, so that tasks overtake each other as they do in life, and
always alike. What a call does to the database is done in the order in which the calls were made.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

ANSWER_WITHIN_S = (
    60.0  # real time: longer than any lock time-out of ours; two open transactions that wait for each other
)
_CANCEL = 80877102
_ENDS: dict[bytes, frozenset[bytes]] = {
    b"S": frozenset({b"Z"}),
    b"Q": frozenset({b"Z"}),
    b"H": frozenset({b"T", b"n", b"E", b"Z"}),
    b"p": frozenset({b"Z", b"R", b"E"}),
}
_GOODBYE = b"X"
_START_ENDS = frozenset({b"Z", b"R", b"E"})
_AUTHENTICATED, _SASL_FINAL = 0, 12  # messages of the kind R that ask for nothing


class Wire(asyncio.Transport):
    """A transport over a blocking socket; `delay` tells how long an answer takes in virtual seconds."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, line: socket.socket, protocol: Any, delay: Callable[[], float]
    ) -> None:
        super().__init__({"socket": line})
        self._loop, self._line, self._protocol, self._delay = loop, line, protocol, delay
        self._out, self._in = b"", b""
        self._started = self._closed = False
        self._arrives_at, self._coming, self._greeting = 0.0, list[asyncio.TimerHandle](), b""
        line.settimeout(ANSWER_WITHIN_S)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closed:
            return
        self._out += bytes(data)
        try:
            self._line.sendall(bytes(data))
            answer = b"".join([self._answer(end) for end in self._asked()])
        except TimeoutError:
            raise AssertionError(
                "two open transactions wait for each other: a simulation has one call in flight"
            ) from None
        except OSError as error:
            self._lose(error)
            return
        if answer:
            self._deliver(self._protocol.data_received, answer)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(bytes(data) for data in list_of_data))

    def close(self) -> None:
        self._lose(None)

    def abort(self) -> None:
        """What is still under way to us is lost."""
        for each in self._coming:
            each.cancel()
        self._lose(None)

    def is_of(self, application: str) -> bool:
        return application.encode() in self._greeting and not self._closed

    def is_closing(self) -> bool:
        return self._closed

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return

    def _lose(self, error: Exception | None) -> None:
        if not self._closed:
            self._closed = True
            self._line.close()
            self._deliver(self._protocol.connection_lost, error)

    def _deliver(self, call: Callable[[Any], None], value: Any) -> None:
        """Never before what was said earlier."""
        self._arrives_at = max(self._loop.time() + self._delay(), self._arrives_at + 1e-6)
        self._coming = [each for each in self._coming if each.when() > self._loop.time()]
        self._coming.append(self._loop.call_at(self._arrives_at, call, value))

    def _asked(self) -> list[frozenset[bytes]]:
        """What ends the answers to the messages that are now whole."""
        ends = []
        if not self._started and len(self._out) >= 8:
            length, code = struct.unpack("!II", self._out[:8])
            if len(self._out) < length:
                return []
            self._started, self._greeting, self._out = True, self._out[:length], self._out[length:]
            if code != _CANCEL:
                ends.append(_START_ENDS)
        while len(self._out) >= 5 and len(self._out) > (length := int.from_bytes(self._out[1:5])):
            kind, self._out = self._out[:1], self._out[length + 1 :]
            if kind == _GOODBYE:
                self._loop.call_soon(self.close)
            if kind in _ENDS:
                ends.append(_ENDS[kind])
        return ends

    def _answer(self, ends: frozenset[bytes]) -> bytes:
        said = b""
        while True:
            message = self._message()
            said += message
            kind = message[:1]
            if kind == b"R" and int.from_bytes(message[5:9]) in (_AUTHENTICATED, _SASL_FINAL):
                continue
            if kind in ends:
                return said

    def _message(self) -> bytes:
        while len(self._in) < 5 or len(self._in) <= int.from_bytes(self._in[1:5]):
            chunk = self._line.recv(1 << 16)
            if not chunk:
                raise ConnectionResetError("the server has closed the line")
            self._in += chunk
        size = int.from_bytes(self._in[1:5]) + 1
        message, self._in = self._in[:size], self._in[size:]
        return message
