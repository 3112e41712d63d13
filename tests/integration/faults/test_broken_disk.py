"""CRS-05: what cannot be written. The log of the database, the witness's file, the node's own log."""

import asyncio
import json
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

import pytest
import structlog
from structlog.testing import capture_logs

from node import disk_room
from node.database import Dsns
from node.database.account import account_for
from node.disk_room import keep_room
from node.logs import LogFile
from node.processes import leash
from node.witness import WitnessFile
from node.workers.witness_heads import witness_head
from tests.clusters import Cluster, running_cluster
from tests.fakes.world import running_world
from tests.integration.api.client import balance, serving
from tests.integration.api.test_payments import pay
from tests.integration.wallet.changes import ALICE, BOB, credited, paid, posted_and_held, proven, running
from wallet.access.keys import CUSTOMER_SCOPES
from wallet.errors import JournalUnavailable

FULL = Path("/dev/full")  # a device on which every write finds no space left


async def limit_the_writers(cluster: Cluster) -> None:
    """The server's processes that work for the Journal may write no byte more to any file."""
    async with cluster.superuser() as connection:
        found = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'coffer-journal'")
    assert found
    for row in found:
        limit_files(cluster, row["pid"], "1")


def limit_files(cluster: Cluster, pid: int, size: str) -> None:
    """As the server's own user: nobody else may, and the superuser need not be able to."""
    words = [*leash(account_for(cluster.folder)), "prlimit", "--pid", str(pid), f"--fsize={size}:"]
    subprocess.run(words, check=True)


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """This process can make no file larger than this: the write that would is cut short, the next one fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_crs_05_a_log_that_cannot_be_written_ends_the_server_and_half_does_nothing(tmp_path: Path) -> None:
    """The writer's server process may write no byte more. PostgreSQL gives up as a whole, never tries that flush again, and
    recovers; the node is still there, asks what became of the commit, and goes on by itself."""
    async with running_cluster(tmp_path) as cluster, running(cluster.dsns.books) as journal:
        await journal.commit(credited(ALICE, 1000))
        await journal.commit(paid(ALICE, BOB, 1, key="before"))
        await limit_the_writers(cluster)
        made = [await journal.commit(paid(ALICE, BOB, 1, key=f"k{n}")) for n in range(20)]
        assert cluster.times_said("was terminated by signal 6") == 1  # it could not even write why
        assert cluster.times_said("redo done") == 1
        assert [each.seq for each in made] == list(range(3, 23))
        assert await posted_and_held(cluster.dsns.books, BOB) == (21, 0)
        assert (await proven(cluster.dsns.books)).seq == 22


async def test_crs_05_tables_that_cannot_grow_refuse_writes_and_go_on_when_they_can(tmp_path: Path) -> None:
    """All server processes that come from now on can make no file larger, until that is lifted; nothing is restarted."""
    async with running_cluster(tmp_path) as cluster, running(cluster.dsns.books) as journal:
        await journal.commit(credited(ALICE, 1000))
        await limit_the_writers(cluster)
        limit_files(cluster, cluster.server.pid, "1")
        with capture_logs() as logged:
            some = (journal.commit(paid(ALICE, BOB, 1, key=f"k{n}")) for n in range(200))
            refused = await asyncio.gather(*some, return_exceptions=True)
        assert {type(each) for each in refused} == {JournalUnavailable}
        assert any("could not extend file" in line["error"] for line in logged)
        assert cluster.times_said("was terminated by signal") == 0
        assert await posted_and_held(cluster.dsns.books, ALICE) == (1000, 0)
        limit_files(cluster, cluster.server.pid, "unlimited")
        made = await asyncio.gather(*(journal.commit(paid(ALICE, BOB, 1, key=f"k{n}")) for n in range(200)))
        assert not any(each.replayed for each in made)
        assert await posted_and_held(cluster.dsns.books, BOB) == (200, 0)
        assert (await proven(cluster.dsns.books)).seq == 201


async def test_crs_05_with_little_room_left_writes_are_refused_reads_go_on_and_with_room_all_goes_on(
    dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_world(dsns, tmp_path) as world, serving(world.context) as client:
        alice, _ = await world.customer("alice"), await world.customer("bob")
        await world.fund(alice, "EUR", "10.00")
        alice_client = client.as_(await world.key(alice, *CUSTOMER_SCOPES))
        monkeypatch.setattr(disk_room, "ROOM_MIN", 1 << 62)  # more than any disk has
        keep_room(world.context.journal, tmp_path)
        refused = await alice_client.post("/v1/payments", pay("bob", "1.00"), key="k")
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "unavailable", "1")
        assert (await balance(alice_client, "EUR"))["available"] == "10.00"
        with pytest.raises(JournalUnavailable, match="disk is nearly full"):
            await world.context.journal.commit(paid(ALICE, BOB, 1))
        monkeypatch.undo()
        keep_room(world.context.journal, tmp_path)
        assert (await alice_client.post("/v1/payments", pay("bob", "1.00"), key="k")).status == 201
        assert (await balance(alice_client, "EUR"))["available"] == "9.00"


async def test_crs_05_a_witness_on_a_full_disk_says_so_and_keeps_nothing_for_written(
    dsns: Dsns, tmp_path: Path
) -> None:
    file = tmp_path / "witness.log"
    async with running_world(dsns, tmp_path) as world:
        witness = WitnessFile(file)
        with full_at(20):
            for _ in range(2):
                with pytest.raises(OSError, match=r"could not be written whole|File too large"):
                    await witness_head(world.context, dsns.books, witness)
        assert file.stat().st_size == 20
        await witness_head(world.context, dsns.books, witness)
        assert WitnessFile(file).last() == witness.last()
        assert len(file.read_text().splitlines()) == 2  # the one that was cut is passed over


def test_crs_05_a_log_on_a_full_disk_breaks_nothing_and_later_tells_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "node.log"
    file.symlink_to(FULL)
    log = LogFile(file)
    told = structlog.WriteLogger(cast("TextIO", log))
    told.info('{"event":"one"}')
    told.info('{"event":"two"}')
    assert log.lost == 2
    written = tmp_path / "with-room.log"
    again = LogFile(written)
    again.lost = log.lost
    again.write('{"event":"three"}\n')
    assert [json.loads(line) for line in written.read_text().splitlines()] == [
        {"event": "log_lines_lost", "lines": 2},
        {"event": "three"},
    ]
