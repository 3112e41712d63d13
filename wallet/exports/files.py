"""Rows as files: CSV by RFC 4180 that no spreadsheet runs, and newline-delimited JSON.

A spreadsheet takes a cell that begins with one of a few characters for a formula, and a formula can send the sheet away.
Such a text gets an apostrophe before it (OWASP ASVS 5.0, 1.2.10); figures are figures and stay what they are.
"""

import csv
import io
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from enum import StrEnum

CSV_TYPE, NDJSON_TYPE = "text/csv", "application/x-ndjson"
Cell = str | int | None
Row = Sequence[Cell]

_FORMULA = re.compile("[ \N{NO-BREAK SPACE}]*[=+\\-@\t\r\n\0＝＋－＠]")
_SUSPECT = frozenset(" \N{NO-BREAK SPACE}=+-@\t\r\n\0＝＋－＠")  # looked at first: few texts begin so
_FIGURE = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


class FileForm(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"

    @property
    def media_type(self) -> str:
        return CSV_TYPE if self is FileForm.CSV else NDJSON_TYPE


def harmless(cell: Cell) -> Cell:
    """What no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell[:1] in _SUSPECT and _FORMULA.match(cell) and not _FIGURE.fullmatch(cell):
        return f"'{cell}"
    return cell


def csv_text(rows: Iterable[Row]) -> bytes:
    """Lines end with CR LF; what is nothing is an empty cell (RFC 4180, section 2)."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def ndjson_text(names: Sequence[str], rows: Iterable[Row]) -> bytes:
    """One object a line; what is nothing is null."""
    objects = (dict(zip(names, row, strict=True)) for row in rows)
    return "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in objects).encode()


async def file_of(
    form: FileForm, names: Sequence[str], chunks: AsyncIterator[Iterable[Row]]
) -> AsyncGenerator[bytes, None]:
    """The file, a part for each chunk of rows. CSV begins with the names, together with the first rows."""
    head = csv_text([names]) if form is FileForm.CSV else b""
    async for rows in chunks:
        part = csv_text(rows) if form is FileForm.CSV else ndjson_text(names, rows)
        if head or part:
            yield head + part
        head = b""
    if head:
        yield head
