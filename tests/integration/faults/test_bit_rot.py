"""CRS-11: a bit that flips at rest, in any page of the books, is found before it is served as a balance."""

import random
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest

from node.database import UnsafeDatabase, binary, refuse_unsafe_settings
from node.database.account import account_for
from node.processes import leash
from tests.clusters import Cluster, opened_copy, running_cluster
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, held, listed, paid, running

PAGE = 8192
TABLES = ("journal", "transfers", "accounts", "holds", "requests", "journal_head", "journal_batches", "assets")
_FILES = """
SELECT c.oid::regclass::text AS name, pg_relation_filepath(c.oid) AS file
FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
WHERE coalesce(i.inhparent, c.oid)::regclass::text = ANY ($1::text[]) AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0
"""


async def files_of(cluster: Cluster) -> dict[str, Path]:
    """The file of each table of the books that has rows."""
    async with cluster.superuser() as connection:
        return {row["name"]: Path(row["file"]) for row in await connection.fetch(_FILES, TABLES)}


def flip_a_bit_in_each_page(file: Path, chance: random.Random) -> int:
    content = bytearray(file.read_bytes())
    for start in range(0, len(content), PAGE):
        content[start + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)
    file.write_bytes(content)
    return len(content) // PAGE


def without_checksums(cluster: Cluster, data: Path) -> None:
    command = [*leash(account_for(cluster.folder)), str(binary("pg_checksums")), "--disable", "-D", str(data)]
    subprocess.run(command, check=True, capture_output=True)


async def served(cluster: Cluster, pages: dict[str, int]) -> list[str]:
    """The pages that can be read without a word."""
    quiet = []
    async with cluster.superuser() as connection:
        for table, count in pages.items():
            for page in range(count):
                try:
                    await connection.fetch(f"SELECT t::text FROM {table} AS t WHERE ctid = '({page},1)'::tid")
                except asyncpg.DataCorruptedError:
                    continue
                quiet.append(f"{table} {page}")
    return quiet


async def test_crs_11_one_flipped_bit_in_any_page_is_found_before_it_is_served(tmp_path: Path) -> None:
    chance = random.Random(11)
    async with running_cluster(tmp_path / "cluster") as cluster:
        async with running(cluster.dsns.books) as journal:
            await journal.commit(listed())
            await journal.commit(credited(ALICE, 10_000))
            for n in range(60):
                await journal.commit(paid(ALICE, BOB, 1, key=f"k{n}"))
            await journal.commit(held(ALICE, 5, "hld_1"))
        files = await files_of(cluster)
        await cluster.server.stop()
        assert len(files) == len(TABLES)
        pages = {table: flip_a_bit_in_each_page(cluster.data / file, chance) for table, file in files.items()}
        assert sum(pages.values()) > len(TABLES)
        shutil.copytree(cluster.data, tmp_path / "unchecked-data", symlinks=True)
        await cluster.server.start()
        assert await served(cluster, pages) == []
    await _would_be_served_without(cluster, tmp_path, pages)


async def _would_be_served_without(cluster: Cluster, folder: Path, pages: dict[str, int]) -> None:
    """The fault is real: without checksums such pages are read as if nothing were wrong. Such a server is refused for it."""
    source = folder / "unchecked-data"
    unchecked = folder / "unchecked"
    async with opened_copy(cluster, source, unchecked, prepare=without_checksums) as careless:
        assert await served(careless, {"accounts": pages["accounts"], "journal_000000": pages["journal_000000"]})
        async with connected(careless.dsns.books) as connection:
            with pytest.raises(UnsafeDatabase, match="data_checksums"):
                await refuse_unsafe_settings(connection)
