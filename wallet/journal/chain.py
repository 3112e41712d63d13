"""The hash chain: each journal row is sealed together with everything before it."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct

GENESIS = bytes(32)
TAG = b"coffer/journal/1"
_NUMBERS = Struct(">qqq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=8)  # all Changes of a batch have one time
def microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def link(previous: bytes, seq: int, at: datetime, body: bytes) -> bytes:
    """SHA-256 over tag, previous hash (32 bytes), sequence and time in microseconds (8 bytes each, big-endian), then the
    body behind its length (8 bytes): every field has a fixed place or a length, so no two records share an encoding."""
    numbers = _NUMBERS.pack(seq, microseconds(at), len(body))
    return hashlib.sha256(b"".join((TAG, previous, numbers, body))).digest()
