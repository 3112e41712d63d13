"""Small files of the node that must be whole and there after a power cut, or not there at all."""

import os
import secrets
from pathlib import Path


def make_once(file: Path, content: bytes) -> None:
    """Write a file with mode 0600 so that it is durable before anybody uses it; one that is there is left as it is.

    What this prevents: a name without its content, or neither, after a power cut, where the content was already in use
    (a password that the database has taken, a key that has signed). Raises OSError.
    """
    if file.exists():
        return
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(path: Path) -> None:
    """Make a file, or a folder with all that is in it, durable."""
    if path.is_dir():
        for folder, _, files in os.walk(path):
            for name in files:
                _sync_file(Path(folder) / name)
            sync_folder(Path(folder))
    else:
        _sync_file(path)
    sync_folder(path.parent)


def _sync_file(file: Path) -> None:
    if not file.is_symlink():
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
