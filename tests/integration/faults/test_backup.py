"""CRS-12 for the books alone: copied while payments are made, restored, proven; and what is no whole backup is refused."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.commands.backup import BackupRefused, back_up
from node.commands.restore import restore
from node.compose import open_database
from node.database import Dsns
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, listed, paid, posted_and_held, running
from tests.nodes.bank_only import configured
from wallet.journal import Journal
from wallet.vault.keys import PersonKeys


@dataclass(frozen=True, slots=True)
class Backup:
    """What was made under load, and the books that it was made of: the hash of every row, and how far they went on."""

    folder: Path
    keys: Path
    chain: dict[int, str]


def quiet(_line: str) -> None:
    pass


@asynccontextmanager
async def paying(journal: Journal) -> AsyncIterator[list[int]]:
    made: list[int] = []

    async def pay(number: int) -> None:
        for count in range(100_000):
            done = await journal.commit(paid(ALICE, BOB, 1, key=f"p{number}-{count}"))
            made.append(done.seq)

    tasks = [asyncio.create_task(pay(number)) for number in range(8)]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
async def backup(tmp_path_factory: pytest.TempPathFactory) -> Backup:
    folder = tmp_path_factory.mktemp("backup")
    config = configured(folder / "node")
    made = folder / "copy", folder / "keys"
    async with open_database(config, {}) as database, running(database.dsns.books) as journal:
        await journal.commit(listed())
        await journal.commit(credited(ALICE, 1_000_000))
        PersonKeys(config.folder / "vault").get_or_create("cus_alice")
        async with paying(journal) as payments:
            await asyncio.sleep(0.1)
            began = len(payments)
            await back_up(config, database.dsns, *made, quiet)
            assert len(payments) > began + 10, "nothing was paid while it was copied"
            await asyncio.sleep(0.1)
        return Backup(*made, await chain(database.dsns))


async def chain(dsns: Dsns) -> dict[int, str]:
    async with connected(dsns.books) as connection:
        return {row["seq"]: bytes(row["hash"]).hex() for row in await connection.fetch("SELECT seq, hash FROM journal")}


async def test_crs_12_a_copy_made_under_load_is_the_books_at_one_moment_with_every_asset_paused(
    backup: Backup, tmp_path: Path
) -> None:
    config = configured(tmp_path / "again")
    proof = await restore(config, backup.folder, backup.keys, tmp_path / "archives", quiet)
    assert backup.chain[proof.seq] == proof.head
    assert proof.seq < max(backup.chain)
    assert PersonKeys(config.folder / "vault").get("cus_alice")
    async with open_database(config, {}) as database, connected(database.dsns.books) as connection:
        assert await posted_and_held(database.dsns.books, BOB) == (proof.seq - 2, 0)
        (asset,) = await connection.fetch("SELECT paused, pause_reason FROM assets")
        assert asset["paused"]
        assert "restored from the backup" in asset["pause_reason"]
        async with running(database.dsns.books) as journal:
            known = await connection.fetchval("SELECT key FROM requests LIMIT 1")
            assert (await journal.commit(paid(ALICE, BOB, 1, key=known))).replayed
    with pytest.raises(BackupRefused, match="holds a database already"):
        await restore(config, backup.folder, backup.keys, tmp_path / "archives", quiet)


@pytest.mark.parametrize("damage", ["bit", "gone", "log", "note"])
async def test_crs_12_a_backup_that_is_not_whole_is_refused_and_leaves_nothing(
    backup: Backup, tmp_path: Path, damage: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(backup.folder, copy, symlinks=True)
    damaged(copy, damage)
    config = configured(tmp_path / "again")
    with pytest.raises(BackupRefused):
        await restore(config, copy, backup.keys, tmp_path / "archives", quiet)
    assert not (config.folder / "postgres" / "data").exists()


def damaged(copy: Path, how: str) -> None:
    biggest = max((copy / "database" / "base").rglob("*"), key=lambda file: file.stat().st_size)
    if how == "bit":
        content = bytearray(biggest.read_bytes())
        content[len(content) // 2] ^= 1
        biggest.write_bytes(content)
    elif how == "gone":
        biggest.unlink()
    elif how == "log":
        log = min(file for file in (copy / "database" / "pg_wal").iterdir() if file.is_file())
        log.write_bytes(bytes(log.stat().st_size))
    else:
        (copy / "backup.json").unlink()


async def test_a_folder_that_is_there_is_never_written_into(backup: Backup, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="is there already"):
        await back_up(configured(tmp_path / "node"), Dsns("", "", ""), backup.folder, None, quiet)
