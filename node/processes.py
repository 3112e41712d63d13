"""Children that end with their parent: databases and development networks are never left behind.

The failure that this prevents: a node that was killed leaves servers running, which hold the ports, the data folder and the
memory of the next start. On Linux each child asks the kernel for a signal when its parent dies (`setpriv --pdeathsig`).
The kernel means the *thread* that started it, so children are started from the main thread only.
"""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOG_TAIL_LINES = 8  # enough to hold the reason that a server gives on its way out
POLL_S = 0.02
STOP_WITHIN_S = 20.0  # then the child is killed
PORTS = range(20_000, 32_000)  # below Linux's ephemeral range, so that no outgoing connection takes one first


class ChildEnded(Exception):
    """A child that should be running is not. Says what its log ended with."""

    def __init__(self, name: str, status: int, tail: str) -> None:
        self.name, self.status = name, status
        super().__init__(f"{name} ended with status {status}: {tail or 'it wrote nothing'}")


class NotReady(Exception):
    """A child runs but did not become ready within its bound."""

    def __init__(self, name: str, within_s: float, last: str) -> None:
        super().__init__(f"{name} was not ready after {within_s:g} s: {last}")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system that a child runs as. `reach` lets it read and pass folders that are closed to it
    (never write them), for data that lies below folders of the superuser."""

    uid: int
    gid: int
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Child:
    """A running process of ours, and the file that holds what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def running(self) -> bool:
        return self.process.poll() is None

    def check(self) -> None:
        """Raises `ChildEnded` if it is no longer there."""
        status = self.process.poll()
        if status is not None:
            raise ChildEnded(self.name, status, log_tail(self.log))

    async def ready(self, asked: Callable[[], Awaitable[bool]], within_s: float) -> None:
        """Asks until the answer is yes. Raises `ChildEnded` or `NotReady`."""
        async for _ in attempts(within_s):
            self.check()
            if await asked():
                return
        raise NotReady(self.name, within_s, log_tail(self.log))

    async def stop(self, how: signal.Signals = signal.SIGTERM, within_s: float = STOP_WITHIN_S) -> int:
        """Asks it to end, and kills it when it does not. Returns its exit status."""
        if self.running():
            self.process.send_signal(how)
        async for _ in attempts(within_s):
            if not self.running():
                return self.process.returncode
        self.process.kill()
        return await asyncio.to_thread(self.process.wait)


def start_child(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    account: Account | None = None,
    on_parent_death: signal.Signals = signal.SIGKILL,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Starts a server in a session of its own (a Ctrl-C at the terminal is ours to pass on, in order)."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"{name} must be started from the main thread: it would end with this one")
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as sink:
        process = subprocess.Popen(  # noqa: S603  our own words, no shell
            [*leash(account, on_parent_death), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    return Child(name, process, log)


def leash(account: Account | None, on_parent_death: signal.Signals | None = None) -> list[str]:
    """The words that go before a command so that it runs as `account` and ends with its parent."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if account is not None:
            raise FileNotFoundError("setpriv (package util-linux) is needed to give up the superuser's rights")
        return []  # not Linux: the child is found and stopped at the next start instead
    words = [setpriv]
    if on_parent_death is not None:
        words += ["--pdeathsig", on_parent_death.name.removeprefix("SIG")]
    return words + (_as_account(account) if account is not None else ["--"])


def _as_account(account: Account) -> list[str]:
    words = ["--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups"]
    if account.capabilities:
        granted = ",".join(f"+{name}" for name in account.capabilities)
        # Without this bit access(2) forgets the capability, and PostgreSQL asks it before it runs its programs.
        words += ["--securebits", "+no_setuid_fixup"]
        words += ["--inh-caps", f"-all,{granted}", "--ambient-caps", f"-all,{granted}"]
    return [*words, "--"]


def log_tail(log: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        lines = log.read_text(errors="replace").split("\n")
        return " | ".join(line.strip() for line in lines[-LOG_TAIL_LINES:] if line.strip())
    return ""


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    for port in random.sample(PORTS, k=len(PORTS)):
        with socket.socket() as probe:
            if _binds(probe, port):
                return port
    raise OSError(f"no port from {PORTS.start} to {PORTS.stop} is free")


def _binds(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


async def attempts(within_s: float, every_s: float = POLL_S) -> AsyncIterator[int]:
    """Counts the tries of a bounded wait; ends when the time is over. The last try comes after the bound, never before."""
    deadline, count = time.monotonic() + within_s, 0
    while True:
        over = time.monotonic() >= deadline
        yield count
        if over:
            return
        count += 1
        await asyncio.sleep(every_s)
