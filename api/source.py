"""The node's own source as an archive, made of the files that it runs from. The same files give the same bytes.

Only kinds of files that are source are taken, and only from the node's own packages and the project's known files, so
that no key, database or configuration that lies beside them can end up in a download.
"""

import functools
import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("api", "chains", "node", "wallet", "docs")
FILES = (
    "LICENSE",
    "Makefile",
    "README.md",
    "CHANGELOG.md",
    "package-lock.json",
    "package.json",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
)
_SUFFIXES = frozenset(
    {".css", ".html", ".ini", ".js", ".json", ".mako", ".md", ".py", ".sol", ".sql", ".svg", ".toml", ".txt", ".xsd"}
)


@functools.cache
def source_archive() -> bytes:
    """A gzipped tar archive. Reads some hundred files: call it off the event loop."""
    return archive_of(ROOT)


def archive_of(root: Path) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for file in source_files(root):
            _add(archive, f"coffer/{file.relative_to(root).as_posix()}", file.read_bytes())
    return packed.getvalue()


def source_files(root: Path) -> Iterator[Path]:
    """In a fixed order. Links are left out: they could lead anywhere."""
    for name in sorted(FILES):
        if (root / name).is_file() and not (root / name).is_symlink():
            yield root / name
    for folder in sorted(FOLDERS):
        for file in sorted((root / folder).rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
            if file.suffix in _SUFFIXES and file.is_file() and not file.is_symlink() and not hidden:
                yield file


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), 0o644, 0
    archive.addfile(entry, io.BytesIO(content))
