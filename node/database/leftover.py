"""A server that a killed node left behind: it is ended before the next one starts."""

import contextlib
import signal
from pathlib import Path

import psutil

from node.database.program import DatabaseUnavailable
from node.processes import attempts

WITHIN_S = 60.0


async def end_leftover(data: Path) -> None:
    """Ends every process of an earlier server on this cluster, and removes its lock file once none is left.
    We hold the folder, so such a server has no node."""
    async for attempt in attempts(WITHIN_S):
        left = _servers_of(data)
        if not left:
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
        if attempt == 0:
            _signal_leader(left, signal.SIGINT)
    raise DatabaseUnavailable(f"an earlier PostgreSQL on {data} does not end: kill process {left[0].pid}")


def _servers_of(data: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] == "postgres" and _is_in(process, data)
    ]


def _is_in(process: psutil.Process, data: Path) -> bool:
    try:
        return Path(process.cwd()) == data.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _signal_leader(processes: list[psutil.Process], how: signal.Signals) -> None:
    pids = {process.pid for process in processes}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.ppid() not in pids:
                process.send_signal(how)
