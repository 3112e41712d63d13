"""Files of archived partitions: blocks come back as they were, and a cut or strange file is named."""

import hashlib
from pathlib import Path
from typing import cast

import asyncpg
import pytest

from wallet.proofs.broken import BooksBroken
from wallet.proofs.compare import name_bad_transfer
from wallet.proofs.source import JournalBlock, archive_name, file_digest, read_archive, sound_blocks, write_block

BLOCKS = [
    JournalBlock(0, 3, b"\x00\n\xff" * 5, "a\tb\né\n"),
    JournalBlock(3, 4, b"", ""),
    JournalBlock(4, 9, b"{}\n", "x\n"),
]


def written(folder: Path, *blocks: JournalBlock) -> Path:
    file = folder / archive_name("7")
    with file.open("wb") as opened:
        for block in blocks:
            write_block(opened, block)
    return file


def test_blocks_come_back_as_they_were_written(tmp_path: Path) -> None:
    file = written(tmp_path, *BLOCKS)
    assert file.name == "journal_7.coffer-archive"
    found = list(read_archive(file))
    assert [(b.after, b.upto, b.journal, b.transfers) for b in found] == [
        (b.after, b.upto, b.journal, b.transfers) for b in BLOCKS
    ]
    assert {block.archived for block in found} == {file.name}
    assert list(read_archive(written(tmp_path))) == []


def test_the_header_says_how_long_what_follows_is_in_bytes(tmp_path: Path) -> None:
    first = written(tmp_path, BLOCKS[0]).read_bytes().partition(b"\n")[0]
    assert first == b'{"after":0,"upto":3,"journal":15,"transfers":7}'


@pytest.mark.parametrize("missing", [1, 5, 8, 20])
def test_a_cut_file_is_named(tmp_path: Path, missing: int) -> None:
    file = written(tmp_path, BLOCKS[0])
    file.write_bytes(file.read_bytes()[:-missing])
    with pytest.raises(BooksBroken, match=f"^{file} was cut$"):
        list(read_archive(file))


@pytest.mark.parametrize(
    "start",
    [b"hello\n", b"{}\n", b'{"after":0}\n', b"\n", b" " * 2**20],  # the last would be a header that takes a megabyte
)
def test_a_file_that_is_no_archive_is_named(tmp_path: Path, start: bytes) -> None:
    file = written(tmp_path, BLOCKS[0])
    file.write_bytes(start + file.read_bytes())
    with pytest.raises(BooksBroken, match=f"^{file} is no archive: "):
        list(read_archive(file))


def test_the_digest_is_over_the_whole_file(tmp_path: Path) -> None:
    file = written(tmp_path, *BLOCKS)
    assert file_digest(file) == hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(OSError, match="No such file"):
        file_digest(tmp_path / "none")


def test_archives_are_read_one_after_the_other_if_they_are_the_very_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, block in ((one, BLOCKS[0]), (two, BLOCKS[1])):
        folder.mkdir()
        written(folder, block)
    files = [(folder / archive_name("7"), file_digest(folder / archive_name("7"))) for folder in (one, two)]
    assert [block.upto for block in sound_blocks(files)] == [3, 4]
    swapped = sound_blocks([files[0], (files[1][0], files[0][1])])
    assert next(swapped).upto == 3
    with pytest.raises(BooksBroken, match=f"^{files[1][0]} is not the file that was archived$"):
        next(swapped)
    files[0][0].unlink()
    with pytest.raises(BooksBroken, match=f"^the archive {files[0][0]} cannot be read: No such file or directory$"):
        next(sound_blocks(files))


async def test_archived_transfers_that_are_unclear_and_not_different_are_named_as_such() -> None:
    """A name with a tab in it: the line could be taken for another's."""
    lines = ["7\t0\thold\thld\tone\n", "8\t0\tpost\n"]
    block = JournalBlock(6, 8, b"", "".join(lines), "journal_7.coffer-archive")
    with pytest.raises(
        BooksBroken, match=r"^journal_7\S+: a transfer has a name that no account, asset or hold can have$"
    ):
        await name_bad_transfer(cast("asyncpg.Connection", None), lines, block, 8)
    with pytest.raises(BooksBroken, match=r"^journal_7\S+: the transfers of journal row 8 differ from the journal$"):
        await name_bad_transfer(cast("asyncpg.Connection", None), lines[:1], block, 8)
