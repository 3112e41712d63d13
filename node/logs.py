"""The node's log: one JSON object a line, in a file of the node's folder. No personal data and no secrets go in."""

import logging
from datetime import UTC, datetime
from pathlib import Path

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
        logger_factory=structlog.WriteLoggerFactory(file.open("a", buffering=1, encoding="utf-8")),
        cache_logger_on_first_use=True,
    )


def _stamped(_logger: object, level: str, entry: EventDict) -> EventDict:
    entry["level"] = level
    entry["timestamp"] = f"{datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    return entry


def _line(_logger: object, _level: str, entry: EventDict) -> str:
    """As JSON; what JSON does not know, as Python shows it."""
    return _encode(entry).decode()
