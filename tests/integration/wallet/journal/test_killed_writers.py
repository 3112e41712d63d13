"""AUD-03, AUD-05: processes that write the journal are killed; it stays one chain without gap, and nothing that was confirmed
is missing."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from itertools import pairwise

import pytest

from node.database import Dsns
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid, posted_and_held, proven, running

PAYMENTS = 60
CUTS = 8
ENDED_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """`confirmed` are the keys of the payments that the process was told are durable, with their places."""

    status: int
    confirmed: dict[str, int]


async def ended(dsns: Dsns, name: str, crash_at: str | None = None) -> Ended:
    environment = {**os.environ, **({} if crash_at is None else {"COFFER_CRASH_AT": crash_at})}
    command = (sys.executable, "-m", "tests.integration.wallet.journal.writer_process", dsns.books, name, str(PAYMENTS))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    output, _ = await asyncio.wait_for(process.communicate(), ENDED_WITHIN_S)
    lines = [line.split() for line in output.decode().splitlines()]
    assert process.returncode is not None
    return Ended(process.returncode, {key: int(seq) for seq, key in lines})


async def places(dsns: Dsns) -> dict[str, int]:
    async with connected(dsns.books) as connection:
        return {row["key"]: row["seq"] for row in await connection.fetch("SELECT key, seq FROM requests")}


async def assert_one_chain(dsns: Dsns, *writers: Ended) -> None:
    """Verify replays the chain from row to row, so that a gap or a fork cannot pass it."""
    proof, kept = await proven(dsns.books), await places(dsns)
    assert proof.seq == len(kept) + 1
    assert sorted(kept.values()) == list(range(2, proof.seq + 1))
    for writer in writers:
        assert writer.confirmed.items() <= kept.items()
    assert await posted_and_held(dsns.books, BOB) == (len(kept), 0)


@pytest.mark.parametrize("point", ["journal.before_write", "journal.before_commit", "journal.after_commit"])
async def test_aud_03_a_change_and_its_place_in_the_chain_are_one_transaction(dsns: Dsns, point: str) -> None:
    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 10_000))
    first = await ended(dsns, "first", f"{point}:4")
    assert first.status == -signal.SIGKILL
    await assert_one_chain(dsns, first)
    again = await ended(dsns, "first")  # the same keys: what was done is not done again
    assert (again.status, len(again.confirmed)) == (0, PAYMENTS)
    await assert_one_chain(dsns, first, again)
    assert len(await places(dsns)) == PAYMENTS


async def test_aud_03_rolled_back_transactions_leave_no_gap(dsns: Dsns) -> None:
    """The server ends the writer's connection again and again, in whatever it is doing."""
    cut = 0
    async with running(dsns.books) as journal, connected(dsns.books) as connection:
        await journal.commit(credited(ALICE, 10_000))
        for number in range(CUTS):
            some = [journal.commit(paid(ALICE, BOB, 1, key=f"k{number}-{n}")) for n in range(3)]
            made = asyncio.gather(*some)
            await asyncio.sleep(0)
            cut += await connection.fetchval(
                "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'coffer-journal' AND datname = current_database()) AS ended"
            )
            await made
    assert cut >= CUTS // 2
    await assert_one_chain(dsns)
    assert len(await places(dsns)) == 3 * CUTS


async def test_aud_05_of_eight_writers_one_is_killed_and_the_chain_stays_one(dsns: Dsns) -> None:
    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 10_000))
    points = [None] * 7 + ["journal.before_commit:3"]
    writers = await asyncio.gather(*(ended(dsns, f"w{n}", point) for n, point in enumerate(points)))
    assert [writer.status for writer in writers] == [0] * 7 + [-signal.SIGKILL]
    assert all(len(writer.confirmed) == PAYMENTS for writer in writers[:7])
    await assert_one_chain(dsns, *writers)
    order = sorted((seq, n) for n, writer in enumerate(writers) for seq in writer.confirmed.values())
    assert sum(one[1] != other[1] for one, other in pairwise(order)) > 7  # they did take turns
