"""The disk after the power went: of everything that was not yet flushed, as little as can be, and torn.

The disk keeps the write-ahead log up to what the server had flushed, and each data file as the last checkpoint left it. Of
what the server had written over it since without flushing, every half of a page has arrived or has not, as a seed decides;
a page whose log record had not been flushed cannot have been written (the server writes the log first).
"""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

PAGE, SECTOR = 8192, 4096
SEGMENT = 16 * 1024 * 1024
_SEGMENTS_A_FILE_ID = 0x1_0000_0000 // SEGMENT


@dataclass(slots=True)
class Lost:
    """What the power cut took, so that a test can tell that it took something."""

    wal_bytes: int = 0
    pages: int = 0
    torn: int = 0


def disk_after(checkpoint: Path, killed: Path, flushed: int, disk: Path, seed: int) -> Lost:
    """Makes `disk` of the data folder as it was copied after a checkpoint and as it stood when the server was killed.
    `flushed` is a place in the log that is known to have been on the disk."""
    lost, chance = Lost(), random.Random(seed)
    shutil.copytree(checkpoint, disk, symlinks=True)
    for file in sorted((killed / "pg_wal").iterdir()):
        if file.is_file() and len(file.name) == 24:
            _cut_segment(file, disk / "pg_wal" / file.name, flushed, lost)
    for folder in ("base", "global"):
        for file in sorted((killed / folder).rglob("*")):
            if file.is_file() and file.name.split("_")[0].split(".")[0].isdigit():
                _mix_pages(file, disk / file.relative_to(killed), flushed, chance, lost)
    return lost


def _cut_segment(file: Path, target: Path, flushed: int, lost: Lost) -> None:
    """The log beyond `flushed` is as the segment was before: zeros, or what it held when it had another name."""
    number = int(file.name[8:16], 16) * _SEGMENTS_A_FILE_ID + int(file.name[16:], 16)
    kept = min(max(flushed - number * SEGMENT, 0), SEGMENT)
    now = file.read_bytes()
    before = target.read_bytes() if target.exists() else bytes(SEGMENT)
    lost.wal_bytes += (
        sum(a != b for a, b in zip(now[kept:], before[kept:], strict=True)) if now[kept:] != before[kept:] else 0
    )
    if kept:
        target.write_bytes(now[:kept] + before[kept:])


def _mix_pages(file: Path, target: Path, flushed: int, chance: random.Random, lost: Lost) -> None:
    now, before = file.read_bytes(), target.read_bytes() if target.exists() else b""
    mixed = bytearray(before)
    for start in range(0, len(now) - len(now) % PAGE, PAGE):
        page = now[start : start + PAGE]
        if page != before[start : start + PAGE]:
            arrived = [chance.random() < 0.5 if _lsn(page) <= flushed else False for _ in range(PAGE // SECTOR)]
            lost.pages += not all(arrived)
            lost.torn += any(arrived) and not all(arrived)
            for half, came in enumerate(arrived):
                if came:
                    _put(mixed, start + half * SECTOR, page[half * SECTOR : (half + 1) * SECTOR])
    target.write_bytes(mixed.ljust(-(-len(mixed) // PAGE) * PAGE, b"\0"))


def _put(content: bytearray, at: int, piece: bytes) -> None:
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(piece)] = piece


def _lsn(page: bytes) -> int:
    """Of the last record that changed it, from the page's header."""
    return int.from_bytes(page[0:4], "little") << 32 | int.from_bytes(page[4:8], "little")
