"""A column of a batch as one text: PostgreSQL's array literal, `{"a","b",NULL}`.

The driver would send an array element by element and ask of each whether it is an array itself; one text is several times
cheaper on both sides, and a batch has some forty columns (docs/benchmarks.md). PostgreSQL documentation, "Array Value
Input Syntax".
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def text_array(values: Sequence[str | int | bool | None]) -> str:
    """For `$n::text::text[]`, or another type whose text form the values are (`numeric[]`).

    JSON's spelling of an array is PostgreSQL's but for the brackets, as long as nothing needs a backslash; and its encoder
    is several times faster than anything that we could write."""
    told = _encode(values)
    if b"\\" in told:
        return "{" + ",".join(map(_element, values)) + "}"
    return "{" + told[1:-1].decode() + "}"


def number_array(values: Sequence[int]) -> str:
    """For `$n::text::bigint[]` and the like."""
    return "{" + _encode(values)[1:-1].decode() + "}"


def packed(values: Sequence[bytes]) -> tuple[bytes, str, str]:
    """Bytes one after the other, with the places and lengths by which `substr` takes them apart again (from 1, as SQL counts):
    their text form would be twice as long, and as an array the driver would send them one by one."""
    lengths = [len(value) for value in values]
    starts = list(accumulate(lengths, initial=1))
    return b"".join(values), number_array(starts[: len(lengths)]), number_array(lengths)


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as columns, also where there are none."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def text_columns(rows: Sequence[Sequence[str | None]], width: int) -> list[str]:
    return [text_array(column) for column in columns(rows, width)]


def _element(value: object) -> str:
    """Quoted always: an empty text, the word NULL, braces and commas then mean themselves."""
    return "null" if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
