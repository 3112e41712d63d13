"""A writer that is stopped in the middle of a transaction holds the head row. It must not stop the others for long."""

import asyncio
import os
import signal
import subprocess
import sys

import psutil

from node.database import Dsns
from node.processes import attempts
from tests.integration.wallet.changes import ALICE, BOB, count_of, credited, paid, posted_and_held, proven
from wallet.journal import Journal

# Its clock is asked for the time under the head lock: there it stops itself. The server's patience is shortened, so
# that the test is short, and only where the Journal asks for patience at all.
STOPS_UNDER_THE_LOCK = """
import asyncio, os, signal, sys
from datetime import datetime
from node.clock import SystemClock
from tests.integration.wallet.changes import ALICE, BOB, paid
from wallet.journal import Journal, connection

PATIENCE = "idle_in_transaction_session_timeout"
if PATIENCE in connection.SESSION:
    connection.SESSION[PATIENCE] = "1500ms"

class StoppingClock(SystemClock):
    stopped = False

    def now(self) -> datetime:
        if not self.stopped:
            self.stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().now()

async def main() -> None:
    journal = Journal(sys.argv[1], StoppingClock())
    await journal.start()
    print((await journal.commit(paid(ALICE, BOB, 7))).seq)
    await journal.stop()

asyncio.run(main())
"""


def start_other(dsn: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", STOPS_UNDER_THE_LOCK, dsn], stdout=subprocess.PIPE, text=True)


async def stopped(pid: int) -> None:
    async for _ in attempts(20.0):
        if psutil.Process(pid).status() == psutil.STATUS_STOPPED:
            return
    raise TimeoutError("it never took the lock")


async def test_crs_09_a_writer_stopped_under_the_head_lock_stops_nobody_else_and_pays_once(
    dsns: Dsns, journal: Journal
) -> None:
    await journal.commit(credited(ALICE, 100))
    other = start_other(dsns.books)
    try:
        await stopped(other.pid)
        asked = asyncio.create_task(journal.commit(paid(ALICE, BOB, 1)))
        await asyncio.sleep(0.3)
        assert not asked.done(), "the other one does not hold the head"
        assert (await asyncio.wait_for(asked, 8)).seq == 2
        os.kill(other.pid, signal.SIGCONT)
        told, _ = await asyncio.to_thread(other.communicate)
    finally:
        other.kill()
        other.wait()
    assert told.split()[-1] == "3"
    assert await posted_and_held(dsns.books, BOB) == (8, 0)
    assert await count_of(dsns.books, "journal") == 3
    await proven(dsns.books)
