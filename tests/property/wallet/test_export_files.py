"""Any text at all, through a file and back: it is the text or the text behind an apostrophe, and never a formula."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from wallet.exports.files import csv_text, ndjson_text

FORMULA_STARTS = "=+-@\t\r\n\0＝＋－＠"
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
hostile = st.builds(
    lambda start, rest: start + rest, st.text(st.sampled_from(FORMULA_STARTS + " \xa0,\"'"), max_size=4), anything
)
texts = anything | hostile
figures = st.integers().map(str) | st.decimals(allow_nan=False, allow_infinity=False, places=18).map(lambda d: f"{d:f}")


def read_back(written: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written.decode(), newline="")))


@given(st.lists(st.lists(texts, min_size=2, max_size=4), max_size=4))
def test_api_06_no_text_is_ever_a_formula_and_none_is_lost(rows: list[list[str]]) -> None:
    for row, found in zip(rows, read_back(csv_text(rows)), strict=True):
        assert [cell.removeprefix("'") if cell != text else cell for text, cell in zip(row, found, strict=True)] == row
        for cell in found:
            assert not cell.lstrip(" \xa0").startswith(tuple(FORMULA_STARTS)) or _is_figure(cell)


def _is_figure(cell: str) -> bool:
    digits = cell.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


@given(figures)
def test_api_06_figures_stay_figures(figure: str) -> None:
    assert read_back(csv_text([("a", figure)])) == [["a", figure]]


@given(st.lists(st.tuples(texts, texts), max_size=4))
def test_each_line_of_ndjson_is_one_object(rows: list[tuple[str, str]]) -> None:
    lines = ndjson_text(("a", "b"), rows).decode().split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [{"a": one, "b": two} for one, two in rows]
