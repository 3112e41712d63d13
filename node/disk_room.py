"""Room on the disk: before the database runs out of it, the node stops writing, and goes on when there is room again.

What this prevents: PostgreSQL meeting a full disk while it writes its log. It then gives up as a whole, reads included, and
does not come up again before somebody has made room.
"""

import os
from pathlib import Path

import structlog

from wallet.journal import Journal

ROOM_MIN = 128 * 1024 * 1024  # eight segments of PostgreSQL's log, and some for what else is written meanwhile

_log = structlog.get_logger("node")


def keep_room(journal: Journal, folder: Path) -> None:
    """Asked once a second: the journal takes nothing more while too little is left on the disk of `folder`."""
    free = room_of(folder)
    if free < ROOM_MIN and journal.held_back is None:
        journal.held_back = "the disk is nearly full; nothing was written"
        _log.error("disk_nearly_full", free_mb=free >> 20)
    elif free >= ROOM_MIN and journal.held_back is not None:
        journal.held_back = None
        _log.warning("disk_has_room", free_mb=free >> 20)


def room_of(folder: Path) -> int:
    """Bytes that somebody without privileges can still write."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
