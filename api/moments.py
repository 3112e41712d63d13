"""Moments as they are sent: RFC 3339 with an offset, or a date, which means midnight UTC where that day begins."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

# In a query a plus sign that was not escaped arrives as a space; before an offset it can have been nothing else.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,6})?([Zz]|[+ -]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SAID = "a moment is RFC 3339 with an offset, 2026-11-25T06:00:00Z, or a date"


def read_moment(text: str) -> datetime:
    """Of a text from elsewhere than a query. Raises `ValueError` in a line for people."""
    found = _read(text)
    assert isinstance(found, datetime)
    return _storable(found)


def _read(sent: object) -> object:
    if not isinstance(sent, str):
        return sent
    if _DATE.fullmatch(sent):
        return _parsed(f"{sent}T00:00:00+00:00")
    match = _MOMENT.fullmatch(sent)
    if match is None:
        raise ValueError(_SAID)
    day, time, fraction, offset = match.groups()
    zone = "+00:00" if offset in "Zz" else offset.replace(" ", "+")
    return _parsed(f"{day}T{time}{(fraction or '.0').ljust(7, '0')}{zone}")


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such moment") from None


def _storable(moment: datetime) -> datetime:
    """PostgreSQL's time begins and ends elsewhere than Python's; nothing that we keep is near either."""
    if not 1970 <= moment.year <= 9000:
        raise ValueError("a moment lies between the years 1970 and 9000")
    return moment


MomentAsked = Annotated[
    datetime,
    BeforeValidator(_read),
    AfterValidator(_storable),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "description": _SAID, "examples": ["2026-11-25T06:00:00Z"]}
    ),
]
