"""CRS-05 on a real file system that is full to the last byte, the database's log on it too. It needs the right to mount one."""

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.disk_room import keep_room, room_of
from tests.clusters import running_cluster
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid, posted_and_held, proven, running
from wallet.errors import JournalUnavailable
from wallet.journal import Journal

DISK_MB = 400
LOOKED_EVERY_S = 0.1  # the node looks once a second
FULL_FOR_S = 3.0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755", "coffer-test", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes everything that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    return ballast


async def looking(journal: Journal, disk: Path) -> None:
    while True:
        keep_room(journal, disk)
        await asyncio.sleep(LOOKED_EVERY_S)


async def pay(journal: Journal, name: str, over: asyncio.Event) -> tuple[set[str], int]:
    """The keys that were confirmed, and how often one was refused; each is repeated until it is confirmed."""
    confirmed, refused = set[str](), 0
    for number in range(100_000):
        while f"{name}-{number}" not in confirmed:
            try:
                await journal.commit(paid(ALICE, BOB, 1, key=f"{name}-{number}"))
                confirmed.add(f"{name}-{number}")
            except JournalUnavailable:
                refused += 1
                await asyncio.sleep(LOOKED_EVERY_S)
        if over.is_set():
            break
    return confirmed, refused


@pytest.mark.whole
async def test_crs_05_a_disk_that_is_filled_at_once_refuses_writes_serves_reads_and_loses_nothing(
    tmp_path: Path,
) -> None:
    over = asyncio.Event()
    with small_disk(tmp_path / "disk") as disk:
        async with running_cluster(disk / "cluster") as cluster, running(cluster.dsns.books) as journal:
            await journal.commit(credited(ALICE, 1_000_000))
            watch = asyncio.create_task(looking(journal, disk))
            payers = [asyncio.create_task(pay(journal, f"p{n}", over)) for n in range(8)]
            await asyncio.sleep(1)
            ballast = await asyncio.to_thread(fill, disk)
            assert room_of(disk) == 0
            await asyncio.sleep(FULL_FOR_S)
            before = await posted_and_held(cluster.dsns.books, BOB)
            await asyncio.sleep(LOOKED_EVERY_S)
            assert await posted_and_held(cluster.dsns.books, BOB) == before
            server = cluster.server.pid
            ballast.unlink()
            await asyncio.sleep(1)
            over.set()
            ended = await asyncio.gather(*payers)
            watch.cancel()
            assert all(refused for _, refused in ended)
            confirmed = set[str]().union(*(keys for keys, _ in ended))
            async with connected(cluster.dsns.books) as connection:
                kept = {row["key"] for row in await connection.fetch("SELECT key FROM requests")}
            assert kept == confirmed
            assert await posted_and_held(cluster.dsns.books, BOB) == (len(kept), 0)
            assert len(kept) > before[0], "it did not go on"
            assert cluster.server.pid == server
            await proven(cluster.dsns.books)
