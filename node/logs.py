"""The node's log: one JSON object a line, in a file of the node's folder. No personal data and no secrets go in."""

import logging
from pathlib import Path

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=repr).encode


def write_logs(file: Path) -> None:
    """From now on every log line of this process goes to this file, readable by us alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_line),
        ],
        logger_factory=structlog.WriteLoggerFactory(file.open("a", buffering=1, encoding="utf-8")),
        cache_logger_on_first_use=True,
    )


def _line(entry: object, **_options: object) -> str:
    """As JSON; what JSON does not know, as Python shows it."""
    return _encode(entry).decode()
