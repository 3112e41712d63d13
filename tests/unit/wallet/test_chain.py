"""The hash chain, byte by byte as its docstring says, made here a second time."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

from wallet.journal.chain import GENESIS, link, microseconds

AT = datetime(2026, 11, 22, 12, 0, 0, 77, tzinfo=UTC)


def test_a_link_has_every_field_at_its_place() -> None:
    since_1970 = 1_795_348_800_000_077
    told = b"coffer/journal/1" + bytes([7] * 32) + (258).to_bytes(8, "big") + since_1970.to_bytes(8, "big")
    told += (4).to_bytes(8, "big") + b"body"
    assert link(bytes([7] * 32), 258, AT, b"body") == hashlib.sha256(told).digest()


def test_the_first_link_goes_on_from_zeros() -> None:
    assert bytes([0] * 32) == GENESIS


def test_microseconds_are_those_since_1970_in_whichever_zone_the_time_was_given() -> None:
    assert microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
    assert microseconds(AT.astimezone(timezone(timedelta(hours=5)))) == microseconds(AT) == 1_795_348_800_000_077
