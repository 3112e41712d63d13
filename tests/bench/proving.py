"""Proving the books in a process of its own, as `coffer verify` is, so that its time and memory are its own."""

import asyncio
import json
import resource
import sys
from time import perf_counter

import asyncpg
import uvloop

from node.commands.verify import prove_journal


async def prove_apart(dsn: str) -> dict[str, float]:
    """Entries, seconds without the start of the process, and its most memory. Raises if the books are broken."""
    words = (sys.executable, "-m", "tests.bench.proving", dsn)
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    answer, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the books were not proven: what is wrong stands above")
    found: dict[str, float] = json.loads(answer)
    return found


async def prove(dsn: str) -> dict[str, float]:
    connection = await asyncpg.connect(dsn)
    started = perf_counter()
    try:
        proof = await prove_journal(connection)
    finally:
        await connection.close()
    took_s = perf_counter() - started
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux tells kilobytes
    return {"verify_entries_per_s": proof.seq / took_s, "verify_s": took_s, "verify_mb": most_mb}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(prove(sys.argv[1]))) + "\n")
