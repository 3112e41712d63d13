"""Files and folders that are private to their owner: what others could read or change is refused."""

import os
from contextlib import suppress
from pathlib import Path

_OPEN_TO_OTHERS = 0o077
_OPTIONS = os.O_CLOEXEC | os.O_NOFOLLOW


class FileUnsafe(Exception):
    """A file or folder that others could read or change. The message names it and the mode it must have."""


def open_private(file: Path, mode: int) -> int:
    """Open a file that only its owner, who must be us or root, can read or write. Raises `FileUnsafe`, `OSError`."""
    descriptor = os.open(file, mode | _OPTIONS)
    status = os.fstat(descriptor)
    if status.st_mode & _OPEN_TO_OTHERS or status.st_uid not in {os.geteuid(), 0}:
        os.close(descriptor)
        raise FileUnsafe(f"{file} is open to others; it must be ours with mode 0600")
    return descriptor


def read_private(file: Path, *, bytes_max: int) -> bytes:
    """Read such a file whole. Raises `FileUnsafe`, also when it is larger than `bytes_max`, and `OSError`."""
    with os.fdopen(open_private(file, os.O_RDONLY), "rb") as opened:
        content = opened.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise FileUnsafe(f"{file} is larger than {bytes_max} bytes")
    return content


def make_private_folder(folder: Path) -> None:
    """Make a 0700 folder, or accept one that is private already. Raises `FileUnsafe`."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    status = folder.stat()
    if status.st_mode & _OPEN_TO_OTHERS or status.st_uid not in {os.geteuid(), 0}:
        raise FileUnsafe(f"{folder} is open to others; it must be ours with mode 0700")
