"""One node's Journal with its callers, a process of its own: told on its standard input how many shall pay for how long,
it answers each such line with one line of figures, and ends with its input."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvloop

from node.clock import SystemClock
from node.collector import settle_collector
from tests.bench.callers import run_callers
from tests.bench.payments import KEY, Payments
from wallet.journal import Journal


@dataclass(frozen=True, slots=True)
class PayingProcess:
    """The other side: what a bench holds of one."""

    process: asyncio.subprocess.Process

    async def pay(self, waiting: int, seconds: int) -> dict[str, float]:
        """So many callers for so long: the figures of a `Slice`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{waiting} {seconds}\n".encode())
        answer = await self.process.stdout.readline()
        if not answer:
            raise RuntimeError("a process that pays broke off: its own words stand above")
        figures: dict[str, float] = json.loads(answer)
        return figures


@asynccontextmanager
async def paying_process(dsn: str, accounts: int) -> AsyncIterator[PayingProcess]:
    """Started, and ended by the end of its input; whoever breaks off ends it at once."""
    pipe = asyncio.subprocess.PIPE
    words = (sys.executable, "-m", "tests.bench.paying_process", dsn, str(accounts))
    process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe)
    try:
        yield PayingProcess(process)
        assert process.stdin is not None
        process.stdin.close()
        if await process.wait() != 0:
            raise RuntimeError("a process that pays ended badly: its own words stand above")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def pay_as_told(dsn: str, accounts: int) -> None:
    """One line in, one line out, until there are no more."""
    journal = Journal(dsn, SystemClock(), KEY)
    await journal.start()
    settle_collector()
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            waiting, seconds = map(int, line.split())
            found = await run_callers(journal, Payments(accounts, hot=False), waiting, seconds)
            sys.stdout.write(json.dumps(found.figures()) + "\n")
            sys.stdout.flush()
    finally:
        await journal.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(pay_as_told(sys.argv[1], int(sys.argv[2])))
