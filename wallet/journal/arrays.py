"""A column of a batch as one text: PostgreSQL's array literal, `{"a","b",NULL}`.

The driver would send an array element by element and ask of each whether it is an array itself; one text is several times
cheaper on both sides, and a batch has some forty columns (docs/benchmarks.md). PostgreSQL documentation, "Array Value
Input Syntax".
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import Any


def text_array(values: Sequence[str | None]) -> str:
    """For `$n::text::text[]`, or another type whose text form the values are (`numeric[]`)."""
    plain = _joined(values)
    return plain if plain is not None else "{" + ",".join(map(_element, values)) + "}"


def number_array(values: Iterable[int]) -> str:
    """For `$n::text::bigint[]` and the like."""
    return "{" + ",".join(map(str, values)) + "}"


def packed(values: Sequence[bytes]) -> tuple[bytes, str, str]:
    """Bytes one after the other, with the places and lengths by which `substr` takes them apart again (from 1, as SQL counts):
    their text form would be twice as long, and as an array the driver would send them one by one."""
    lengths = [len(value) for value in values]
    starts = accumulate(lengths, initial=1)
    return b"".join(values), number_array(islice(starts, len(lengths))), number_array(lengths)


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as columns, also where there are none."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def text_columns(rows: Sequence[Sequence[str | None]], width: int) -> list[str]:
    return [text_array(column) for column in columns(rows, width)]


def _joined(values: Sequence[str | None]) -> str | None:
    """The literal of values that need no care, as nearly all do; else None."""
    if not values or None in values:
        return None
    text = '","'.join(values)  # type: ignore[arg-type]  # None is not among them
    if "\\" in text or text.count('"') != 2 * (len(values) - 1):
        return None
    return '{"' + text + '"}'


def _element(value: str | None) -> str:
    """Quoted always: an empty text, the word NULL, braces and commas then mean themselves."""
    return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
