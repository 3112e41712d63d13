"""An event loop in which nobody waits: where nothing is left to do, the clock jumps to the next timer.

Nothing comes from outside: the only line that can be opened is one to PostgreSQL (`wire`), and it answers within the call.
So a run is decided by its seed alone.
"""

import asyncio
import random
import selectors
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.wire import Wire
from wallet.ids import encode_ulid

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
ANSWER_S = (0.0001, 0.004)  # how long the database takes in virtual time


class Stuck(AssertionError):
    """Everybody waits for something that nobody will do."""


class _Timers(selectors.DefaultSelector):
    """Waiting for input is only ever waiting for a timer: it takes no time, and moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is scheduled and nothing is ready")
        self.now += max(timeout, 0)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """`chance` decides everything that is left open; `cut` makes the outside unreachable, as for a process that has died."""

    def __init__(self, chance: random.Random, now: float = 0.0) -> None:
        self._timers = _Timers()
        self._timers.now = now
        super().__init__(self._timers)
        self.chance, self._wires, self._is_cut = chance, list[Wire](), False

    def time(self) -> float:
        return self._timers.now

    def cut(self) -> None:
        self._is_cut = True
        for wire in self._wires:
            wire.abort()

    def break_line(self, name: str) -> None:
        """The lines of this application break, and what the server has said and nobody has heard yet is lost."""
        for wire in self._wires:
            if wire.is_of(name):
                wire.abort()

    async def create_unix_connection(self, protocol_factory: Callable[[], Any], path: Any = None, **_: Any) -> Any:
        return self._connected(protocol_factory, socket.AF_UNIX, path)

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: Any = None, port: Any = None, **_: Any
    ) -> Any:
        return self._connected(protocol_factory, socket.AF_INET, (host, port))

    def _connected(self, protocol_factory: Callable[[], Any], family: int, address: Any) -> tuple[Wire, Any]:
        if self._is_cut:
            raise ConnectionRefusedError("this process is dead")
        line = socket.socket(family, socket.SOCK_STREAM)
        line.connect(address)
        protocol = protocol_factory()
        wire = Wire(self, line, protocol, lambda: self.chance.uniform(*ANSWER_S))
        self._wires.append(wire)
        protocol.connection_made(wire)
        return wire, protocol


class VirtualClock:
    """The clock of a node in a simulation."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return BEGINNING + timedelta(microseconds=round(self._loop.time() * 1_000_000))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SeededIds:
    """Ids out of virtual time and the seed."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def __call__(self, prefix: str) -> str:
        return f"{prefix}_{encode_ulid(round(self._loop.time() * 1000), self._loop.chance.getrandbits(80))}"
