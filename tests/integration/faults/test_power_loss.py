"""CRS-03: the machine loses its power. Whatever somebody was told is durable is there afterwards, and the books are whole."""

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from tests.clusters import Cluster, opened_copy, running_cluster
from tests.integration.faults.power import disk_after
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid, posted_and_held, proven, running

WRITERS, CONFIRMED_MIN = 2, 150
# So little memory that pages are written out all the time; no checkpoint of its own, which would flush them.
SETTINGS = {"shared_buffers": "2MB", "bgwriter_delay": "10ms", "checkpoint_timeout": "1h", "autovacuum": "off"}


async def writing(cluster: Cluster, name: str, confirmed: set[str]) -> Process:
    """A process that pays and says what it was told is durable; its words are read as they come."""
    command = (
        sys.executable,
        "-m",
        "tests.integration.wallet.journal.writer_process",
        cluster.dsns.books,
        name,
        "100000",
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None

    async def listen(said: asyncio.StreamReader) -> None:
        async for line in said:
            confirmed.add(line.split()[1].decode())

    asyncio.get_running_loop().create_task(listen(process.stdout), name=name)
    return process


async def killed_while_it_writes(cluster: Cluster) -> tuple[frozenset[str], int]:
    """What had been confirmed before the server was asked, for the last time, up to where its log is on the disk."""
    confirmed: set[str] = set()
    writers = [await writing(cluster, f"w{n}", confirmed) for n in range(WRITERS)]
    told, flushed = frozenset[str](), 0
    async with cluster.superuser() as connection:
        while len(told) < CONFIRMED_MIN:
            await asyncio.sleep(0)
            told = frozenset(confirmed)
            flushed = await connection.fetchval("SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint")
        os.kill(cluster.server.pid, signal.SIGKILL)
    for writer in writers:
        writer.kill()
        await writer.wait()
    await cluster.kill()
    return told, flushed


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.whole) for seed in range(2, 6))])
async def test_crs_03_what_was_confirmed_survives_the_loss_of_all_that_was_not_flushed(
    tmp_path: Path, seed: int
) -> None:
    async with running_cluster(tmp_path / "cluster", SETTINGS) as cluster:
        async with running(cluster.dsns.books) as journal:
            await journal.commit(credited(ALICE, 1_000_000))
        async with cluster.superuser() as connection:
            await connection.execute("CHECKPOINT")
        shutil.copytree(cluster.data, tmp_path / "checkpoint", symlinks=True)
        told, flushed = await killed_while_it_writes(cluster)
        lost = disk_after(tmp_path / "checkpoint", cluster.data, flushed, tmp_path / "disk", seed)
    assert lost.pages > 0
    assert lost.torn > 0
    async with opened_copy(cluster, tmp_path / "disk", tmp_path / "restarted") as again:
        assert again.times_said("redo done") == 1
        async with connected(again.dsns.books) as connection:
            kept = {row["key"] for row in await connection.fetch("SELECT key FROM requests")}
        assert told <= kept
        proof = await proven(again.dsns.books)
        assert (proof.seq, await posted_and_held(again.dsns.books, BOB)) == (len(kept) + 1, (len(kept), 0))
        async with running(again.dsns.books) as journal:
            repeated = [await journal.commit(paid(ALICE, BOB, 1, key=key)) for key in sorted(told)[:20]]
        assert all(each.replayed for each in repeated)
