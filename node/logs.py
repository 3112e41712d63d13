"""The node's log: one JSON object a line, in a file of the node's folder. No personal data and no secrets go in.

What this prevents: a log that cannot be written (a full disk, say) breaking what was only telling of itself.
"""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict

_encode = msgspec.json.Encoder(enc_hook=repr).encode


def write_logs(file: Path) -> None:
    """From now on every log line of this process goes to this file, readable by us alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[_stamped, structlog.processors.format_exc_info, _line],
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", LogFile(file))),
        cache_logger_on_first_use=True,
    )


def _stamped(_logger: object, level: str, entry: EventDict) -> EventDict:
    entry["level"] = level
    entry["timestamp"] = f"{datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    return entry


def _line(_logger: object, _level: str, entry: EventDict) -> str:
    """As JSON; what JSON does not know, as Python shows it."""
    return _encode(entry).decode()


class LogFile:
    """Lines that cannot be written are dropped, and counted in the next one that can."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.lost = 0

    def write(self, text: str) -> None:
        told = f'{{"event":"log_lines_lost","lines":{self.lost}}}\n{text}' if self.lost else text
        try:
            os.write(self._descriptor, told.encode())
        except OSError:
            self.lost += 1
        else:
            self.lost = 0

    def flush(self) -> None:
        """Each line is written at once."""
