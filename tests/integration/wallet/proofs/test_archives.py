"""Old partitions move to files; the books are proven from the files and the database together, or not at all."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from node.commands.archive import Archived, ArchiveRefused, archive_partition
from node.commands.receipts import check_in_journal
from node.database import Dsns, prepare_roles
from node.migrations.apply import apply_migrations
from tests.databases import FreshDatabases
from tests.fakes.world import running_world
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid
from tests.integration.wallet.journal.sealing import key_listed, signing
from wallet.context import Context
from wallet.journal import Journal
from wallet.journal.find_receipt import find_receipt
from wallet.proofs.source import file_digest, read_archive, write_block
from wallet.proofs.verify import BooksBroken, Proof, verify

ROWS = 40  # in a partition


@dataclass(frozen=True, slots=True)
class Old:
    dsns: Dsns
    context: Context
    folder: Path

    async def archive(self, number: int, age_min: timedelta = timedelta(0)) -> Archived:
        return await archive_partition(self.context, self.dsns, number, self.folder, lambda _line: None, age_min)

    async def proven(self, folder: Path | None = None) -> Proof:
        async with connected(self.dsns.books) as connection:
            return await verify(connection, archives=folder or self.folder)

    async def tables(self) -> set[str]:
        async with connected(self.dsns.owner) as owner:
            return {row[0] for row in await owner.fetch("SELECT relname FROM pg_class WHERE relname ~ '_[0-9]{6}$'")}


@pytest.fixture
async def old(databases: FreshDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Old]:
    """A node with small partitions, two of them full; its rows are signed from the key on."""
    monkeypatch.setattr("node.migrations.apply.PARTITION_ROWS", ROWS)
    monkeypatch.setattr("node.commands.archive.CHUNK", 15)
    monkeypatch.setattr("wallet.proofs.verify.CHUNK", 17)
    dsns = await prepare_roles(await databases.empty(), databases.folder)
    await apply_migrations(dsns.owner)
    async with running_world(dsns, tmp_path) as world, signing(dsns.books) as journal:
        await _fill(journal, 2 * ROWS + 5)
        yield Old(dsns, replace(world.context, journal=journal), tmp_path / "archives")
    await databases.drop(dsns.owner)


async def _fill(journal: Journal, upto: int) -> None:
    await journal.commit(key_listed())
    await journal.commit(credited(ALICE, 10_000))
    number = 0
    while (await journal.commit(paid(ALICE, BOB, 1, key=f"k{number}"))).seq < upto:
        number += 1


async def test_archived_rows_are_gone_from_the_database_and_the_proof_is_the_same(old: Old) -> None:
    before = await old.proven()
    first, second = await old.archive(0), await old.archive(1)
    assert (first.first, first.last, second.first, second.last) == (1, ROWS - 1, ROWS, 2 * ROWS - 1)
    assert not {"journal_000000", "transfers_000000", "journal_000001", "transfers_000001"} & await old.tables()
    async with connected(old.dsns.books) as connection:
        assert await connection.fetchval("SELECT min(seq) FROM journal") == 2 * ROWS
    after = await old.proven()
    assert (after.transfers, after.accounts, after.receipts - 2) == (before.transfers, before.accounts, before.receipts)
    assert after.seq == before.seq + 2


async def test_without_the_very_files_nothing_is_proven(old: Old, tmp_path: Path) -> None:
    done = await old.archive(0)
    with pytest.raises(BooksBroken, match="cannot be read"):
        await old.proven(tmp_path / "elsewhere")
    async with connected(old.dsns.books) as connection:
        with pytest.raises(BooksBroken, match="name the folder"):
            await verify(connection)
    content = done.file.read_bytes()
    for damaged in (content[:-1], content.replace(b"payment.sent", b"payment.send", 1), b"", content + b"x"):
        assert damaged != content
        done.file.write_bytes(damaged)
        with pytest.raises(BooksBroken, match="is not the file that was archived"):
            await old.proven()
    done.file.write_bytes(content)
    await old.proven()


async def test_a_partition_that_is_young_not_full_or_out_of_turn_stays(old: Old) -> None:
    for number, age, said in (
        (0, timedelta(days=1), "younger than 1 days"),
        (1, timedelta(0), "the next is 0"),
    ):
        with pytest.raises(ArchiveRefused, match=said):
            await old.archive(number, age)
    await old.archive(0)
    await old.archive(1)
    with pytest.raises(ArchiveRefused, match="is not full"):
        await old.archive(2)
    assert "journal_000002" in await old.tables()


async def test_archiving_again_changes_nothing_and_a_foreign_file_is_refused(old: Old) -> None:
    done = await old.archive(0)
    content = done.file.read_bytes()
    again = await old.archive(0)
    assert (again.digest, done.file.read_bytes()) == (done.digest, content)
    done.file.write_bytes(content[:-1])
    with pytest.raises(ArchiveRefused, match="is not the file that is on record"):
        await old.archive(0)


async def test_nothing_is_dropped_before_the_file_was_read_back(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that lost a block: the file ends too early."""
    real = __import__("node.commands.archive", fromlist=["write_block"]).write_block
    written = 0

    def losing(*arguments: object) -> None:
        nonlocal written
        written += 1
        if written != 2:
            real(*arguments)

    monkeypatch.setattr("node.commands.archive.write_block", losing)
    with pytest.raises(ArchiveRefused, match="misses journal row"):
        await old.archive(0)
    assert written == 3
    assert {"journal_000000", "transfers_000000"} <= await old.tables()
    monkeypatch.undo()
    await old.proven()


async def test_a_receipt_of_an_archived_change_is_still_known(old: Old) -> None:
    async with connected(old.dsns.books) as connection:
        receipt = await find_receipt(connection, ROWS - 1)
    assert receipt is not None
    await old.archive(0)
    assert (await check_in_journal(old.dsns, receipt)).in_journal
    async with connected(old.dsns.books) as connection:
        assert await find_receipt(connection, ROWS - 1) is None


def altered(file: Path, alter: Callable[[str], str]) -> str:
    """The same archive with other transfers in its first block. Returns its digest."""
    first, *others = list(read_archive(file))
    with file.open("wb") as opened:
        for block in (replace(first, transfers=alter(first.transfers)), *others):
            write_block(opened, block)
    return file_digest(file)


ALTERED: dict[str, Callable[[str], str]] = {
    "units": lambda text: text.replace("\t1\t\t", "\t2\t\t", 1),
    "one less": lambda text: text.partition("\n")[2],
    "one more": lambda text: text + text.splitlines(keepends=True)[-1],
}


async def test_aud_01_archived_transfers_that_differ_from_their_journal_are_named(old: Old) -> None:
    """By somebody who puts the other file's digest on record."""
    done = await old.archive(0)
    whole = done.file.read_bytes()
    told = next(read_archive(done.file)).transfers.splitlines()
    bad = {"units": told[1], "one less": told[0], "one more": told[-1]}
    for what, alter in ALTERED.items():
        done.file.write_bytes(whole)
        digest = altered(done.file, alter)
        assert digest != done.digest
        async with connected(old.dsns.owner) as owner:
            await owner.execute("UPDATE archives SET digest = $1", digest)
        words = f"the transfers of journal row {bad[what].partition(chr(9))[0]} differ from the journal"
        with pytest.raises(BooksBroken, match=f"^{done.file.name}: {words}$"):
            await old.proven()


async def test_archives_that_do_not_go_on_from_one_another_prove_nothing(old: Old) -> None:
    await old.archive(0)
    await old.archive(1)
    async with connected(old.dsns.owner) as owner:
        await owner.execute("DELETE FROM archives WHERE id = '000000'")
    with pytest.raises(BooksBroken, match=r"^journal row 1 is missing: the archives do not go on there$"):
        await old.proven()


async def test_aud_01_an_answer_that_is_missing_is_found_though_its_row_was_archived(old: Old) -> None:
    await old.archive(0)
    async with connected(old.dsns.owner) as owner:
        await owner.execute("DELETE FROM requests WHERE key = 'k3'")
    with pytest.raises(BooksBroken, match=r"^requests differ from the journal$"):
        await old.proven()
