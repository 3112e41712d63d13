import asyncio
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from node.processes import PORTS, ChildEnded, NotReady, attempts, free_port, start_child

FOR_EVER = [sys.executable, "-c", "import signal; signal.pause()"]
DEAF = [
    sys.executable,
    "-c",
    "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); [signal.pause() for _ in iter(int, 1)]",
]


async def test_a_child_that_ended_says_why(tmp_path: Path) -> None:
    child = start_child("clock", [sys.executable, "-c", "print('no time'); raise SystemExit(3)"], log=tmp_path / "log")

    async def never() -> bool:
        return False

    with pytest.raises(ChildEnded, match="clock ended with status 3: no time"):
        await child.ready(never, within_s=20)


async def test_a_child_that_does_not_become_ready_is_named_with_its_bound(tmp_path: Path) -> None:
    child = start_child("clock", FOR_EVER, log=tmp_path / "log")

    async def never() -> bool:
        return False

    with pytest.raises(NotReady, match=r"clock was not ready after 0\.1 s"):
        await child.ready(never, within_s=0.1)
    await child.stop()


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = start_child("clock", DEAF, log=tmp_path / "log")
    async for _ in attempts(10):
        if "deaf" in (tmp_path / "log").read_text():
            break
    assert await child.stop(within_s=0.2) == -signal.SIGKILL
    assert not child.running()


async def test_a_child_may_not_be_started_from_a_thread_that_could_end_before_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(start_child, "clock", FOR_EVER, log=tmp_path / "log")


async def test_the_log_of_a_child_is_ours_alone(tmp_path: Path) -> None:
    child = start_child("clock", FOR_EVER, log=tmp_path / "log")
    await child.stop()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_free_port_can_be_bound_and_is_below_the_ephemeral_range() -> None:
    port = free_port()
    assert port in PORTS
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))


async def test_attempts_end_with_one_look_after_the_bound() -> None:
    started = time.monotonic()
    counted = [count async for count in attempts(0.1, every_s=0.03)]
    assert counted == list(range(len(counted)))
    assert len(counted) >= 2
    assert time.monotonic() - started >= 0.1
