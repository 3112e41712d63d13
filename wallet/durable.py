"""Small files that are there whole or not at all, also after a power cut. All functions block, and raise OSError.

What this prevents: a name without its content, or neither, where the content was already in use (a password that the database
has taken, a key that has signed); and two processes that start together and each use a content of their own.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600


def create(file: Path, content: bytes) -> None:
    """Write a new private file. Raises `FileExistsError` rather than ever replace one."""
    draft = _draft(file, content, PRIVATE)
    try:
        os.link(draft, file)
    finally:
        draft.unlink()
    sync_folder(file.parent)


def make_once(file: Path, content: bytes) -> None:
    """Write a private file before anybody uses it; one that is there, or comes meanwhile, is left as it is."""
    if not file.exists():
        with suppress(FileExistsError):
            create(file, content)


def replace(file: Path, content: bytes, mode: int = PRIVATE) -> None:
    """After a crash the old or the new content is there, never a mixture."""
    _draft(file, content, mode).replace(file)
    sync_folder(file.parent)


def _draft(file: Path, content: bytes, mode: int) -> Path:
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        draft.unlink()
        raise
    return draft


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    _sync(folder, os.O_DIRECTORY)


def sync_tree(path: Path) -> None:
    """Make a file, or a folder with all that is in it, durable."""
    if path.is_dir():
        for folder, _, files in os.walk(path):
            for name in files:
                _sync_file(Path(folder, name))
            sync_folder(Path(folder))
    else:
        _sync_file(path)
    sync_folder(path.parent)


def _sync_file(file: Path) -> None:
    if not file.is_symlink():
        _sync(file)


def _sync(path: Path, flags: int = 0) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
