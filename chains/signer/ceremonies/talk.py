"""A conversation with the people at a ceremony: at the terminal itself, or over an inherited descriptor for scripts and tests.

What this prevents: a secret in a pipe, a log or a shell's history. Words never pass standard input or output, arguments or the
environment: they go to `/dev/tty`, or through the one descriptor that the starter opened for it.

Over a descriptor (a socket, both ways) each line that we write begins with `show `, `ask ` or `secret `; each of the latter two
is answered with one line.
"""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_LINE_BYTES_MAX = 4096
_CLEAR = "\x1b[2J\x1b[3J\x1b[H"  # screen, what was scrolled away, and the cursor to the corner (ECMA-48, xterm)


class TalkEnded(Exception):
    """Nobody answers any more. Nothing was decided."""


class Talk(Protocol):
    """What a ceremony needs of the people."""

    def show(self, text: str) -> None: ...

    def ask(self, question: str) -> str:
        """Raises `TalkEnded`."""

    def ask_secret(self, question: str) -> str:
        """The same; what is typed is not shown. Raises `TalkEnded`."""

    def wipe(self) -> None:
        """Take away what was shown."""


class TerminalTalk:
    """Implements `Talk` at the terminal that this process was started from. Raises `OSError` where there is none."""

    def __init__(self) -> None:
        self._descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)

    def show(self, text: str) -> None:
        self._write(f"{text}\n")

    def ask(self, question: str) -> str:
        self._write(f"{question} ")
        return _read_line(self._descriptor)

    def ask_secret(self, question: str) -> str:
        with self._unechoed():
            answer = self.ask(question)
        self._write("\n")
        return answer

    def wipe(self) -> None:
        self._write(_CLEAR)

    def _write(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    @contextmanager
    def _unechoed(self) -> Iterator[None]:
        before = termios.tcgetattr(self._descriptor)
        silent = [*before]
        silent[3] = before[3] & ~termios.ECHO
        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, silent)
        try:
            yield
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, before)


class DescriptorTalk:
    """Implements `Talk` over an inherited descriptor, which others cannot read: a socket pair of the starter's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def show(self, text: str) -> None:
        for line in text.splitlines() or [""]:
            self._write("show", line)

    def ask(self, question: str) -> str:
        self._write("ask", question)
        return _read_line(self._descriptor)

    def ask_secret(self, question: str) -> str:
        self._write("secret", question)
        return _read_line(self._descriptor)

    def wipe(self) -> None:
        """What was sent is the other side's."""

    def _write(self, kind: str, line: str) -> None:
        try:
            os.write(self._descriptor, f"{kind} {line}\n".encode())
        except OSError:
            raise TalkEnded("nobody listens any more; nothing was changed") from None


def _read_line(descriptor: int) -> str:
    """Octet by octet, so that nothing of it lies in a buffer that is not ours. Raises `TalkEnded`."""
    line = bytearray()
    while not line.endswith(b"\n"):
        octet = _read_octet(descriptor)
        if not octet or len(line) > _LINE_BYTES_MAX:
            raise TalkEnded("nobody answers any more; nothing was changed")
        line += octet
    return line.decode(errors="replace").rstrip("\r\n")


def _read_octet(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1)
    except OSError:
        return b""
