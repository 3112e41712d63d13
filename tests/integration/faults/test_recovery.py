"""CRS-02: the database's server is killed while it recovers from having been killed; it ends as if it had recovered once."""

import asyncio
import os
import shutil
import signal
from hashlib import sha256
from pathlib import Path

from node.database import Dsns
from node.processes import attempts
from tests.clusters import Cluster, opened_copy, running_cluster
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, held, paid, proven, running

KILLS = 3
SETTINGS = {"checkpoint_timeout": "1h", "max_wal_size": "4GB", "autovacuum": "off"}
# A table beside the books, so that there is much to recover: some hundred megabytes of log.
FILLER = """
CREATE TABLE filler (n int, words text);
INSERT INTO filler SELECT n, repeat('words ', 60) FROM generate_series(1, 150000) AS n;
UPDATE filler SET n = n + 1
"""
TABLES = ("journal", "transfers", "accounts", "holds", "requests", "journal_head", "journal_viewers")


async def written_and_killed(cluster: Cluster) -> None:
    async with running(cluster.dsns.books) as journal:
        await journal.commit(credited(ALICE, 10_000))
        async with connected(cluster.dsns.owner) as owner:
            await owner.execute(FILLER)
        some = [paid(ALICE, BOB, 1, key=f"k{n}") for n in range(100)] + [held(ALICE, 1, f"hld_{n}") for n in range(20)]
        await asyncio.gather(*map(journal.commit, some))
    await cluster.kill()


async def digests(dsns: Dsns) -> dict[str, str]:
    """Every row of the books."""
    async with connected(dsns.books) as connection:
        found = {}
        for table in TABLES:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table} AS t ORDER BY 1")
            found[table] = f"{len(rows)} {sha256(repr([row['row'] for row in rows]).encode()).hexdigest()}"
        return found


async def killed_while_it_recovers(cluster: Cluster, times: int) -> None:
    """Each time after it has begun to replay the log and before it has ended."""
    for number in range(1, times + 1):
        begun = cluster.times_said("redo starts")
        starting = asyncio.create_task(cluster.server.start())
        async for _ in attempts(30.0, 0.005):
            if cluster.times_said("redo starts") > begun:
                break
        await asyncio.sleep(0.02 * number)
        os.kill(cluster.server.pid, signal.SIGKILL)
        assert cluster.times_said("redo done") == 0, "it had recovered before it was killed"
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)


async def test_crs_02_a_database_killed_again_and_again_while_it_recovers_ends_as_after_one_recovery(
    tmp_path: Path,
) -> None:
    async with running_cluster(tmp_path / "cluster", SETTINGS) as cluster:
        await written_and_killed(cluster)
        shutil.copytree(cluster.data, tmp_path / "once-data", symlinks=True)
        await killed_while_it_recovers(cluster, KILLS)
        assert cluster.times_said("redo starts") == KILLS
        await cluster.server.start()
        many, proof = await digests(cluster.dsns), await proven(cluster.dsns.books)
        assert cluster.times_said("redo done") == 1
    async with opened_copy(cluster, tmp_path / "once-data", tmp_path / "once") as once:
        assert await digests(once.dsns) == many
        assert await proven(once.dsns.books) == proof
        assert proof.seq == 121
