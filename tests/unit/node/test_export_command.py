"""`coffer export` says what makes no sense before it looks for a node."""

import pytest
from typer.testing import CliRunner

from node.__main__ import app


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "xls"),
        ("--from", "yesterday"),
        ("--from", "2026-02-30"),
        ("--from", "2026-01-02", "--to", "2026-01-01"),
        ("--format", "hledger", "--from", "2026-01-02"),
        ("--account", "cus_a:balance:EUR", "--customer", "@alice"),
    ],
)
def test_options_that_make_no_sense_end_with_status_2_and_a_line(words: tuple[str, ...]) -> None:
    found = CliRunner().invoke(app, ["export", *words])
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.startswith("coffer: ")
    assert found.stderr.count("\n") == 1
