"""A folder as it would be found after a power cut: files with what was flushed of them, names that were flushed."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass(slots=True)
class DurableDisk:
    """Watches every `fsync` of this process; the real one is made as well. By inode, as the file system has it."""

    root: Path
    contents: dict[int, bytes] = field(default_factory=dict)
    names: dict[int, dict[str, int]] = field(default_factory=dict)

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        really = os.fsync

        def fsync(descriptor: int) -> None:
            really(descriptor)
            self._flushed(descriptor)

        patch.setattr(os, "fsync", fsync)

    def _flushed(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            self.names[status.st_ino] = {entry.name: entry.inode() for entry in os.scandir(descriptor)}
        else:
            self.contents[status.st_ino] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

    def after_power_loss(self, target: Path) -> Path:
        """Makes the folder anew. A file that was never flushed is empty where its name was, and gone where it was not."""
        self._restore(self.root.stat().st_ino, target)
        return target

    def _restore(self, inode: int, target: Path) -> None:
        target.mkdir(mode=0o700)
        for name, entry in self.names.get(inode, {}).items():
            if entry in self.names or (self.root / name).is_dir():
                self._restore(entry, target / name)
            else:
                (target / name).touch(mode=0o600)
                (target / name).write_bytes(self.contents.get(entry, b""))
