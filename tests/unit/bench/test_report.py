"""The written part of docs/benchmarks.md: every aim has its row, measured or not, and nothing else of the page changes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.bench.aims import AIMS, Aim
from tests.bench.figures import number
from tests.bench.kept import Circumstances, Kept, forget, keep, kept
from tests.bench.report import BEGIN, DOCUMENT, END, PLOT, MarkersMissing, aims, report, write_into

UNDER = Circumstances("2026-11-25 10:00 UTC", "abc1234", 0.25, "2 cores (Some CPU), 23 GB, Linux 6.1.0", "3.11.7")


def result(name: str, figures: dict[str, Any]) -> Kept:
    return Kept(name, ["--seconds", "5"], UNDER, 75, figures)


def row_of(text: str, figure: str) -> list[str]:
    line = next(line for line in text.splitlines() if f"`{figure}`" in line)
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_an_aim_is_met_missed_or_not_measured() -> None:
    rounds = [{"ratio_200": 1.5}, {"ratio_200": 2.5}]
    text = aims({"journal": result("journal", {"ratio_200": 1.98, "hot_over_cold": 0.9, "ratios_by_round": rounds})})
    assert row_of(text, "ratio_200") == ["journal", "`ratio_200`", "≥ 2", "1.98", "no", "1.5, 2.5"]
    assert row_of(text, "hot_over_cold")[3:5] == ["0.9", "yes"]
    assert row_of(text, "ratio_1000")[3:5] == ["not measured", ""]
    assert row_of(text, "guard_ratio")[3:5] == ["not measured", ""]
    assert len(text.splitlines()) == 2 + len(AIMS)


@pytest.mark.parametrize(
    ("aim", "value", "judged"),
    [
        (Aim("export", "first_byte_share", most=0.05), 0.05, "yes"),
        (Aim("export", "first_byte_share", most=0.05), 0.0501, "no"),
        (Aim("verify", "entries_per_s"), 1.0, ""),
    ],
)
def test_a_bound_itself_is_met_and_what_is_only_told_is_not_judged(aim: Aim, value: float, judged: str) -> None:
    assert aim.judged(value) == judged


def test_a_report_tells_circumstances_and_contenders() -> None:
    figures = {"cold_200": {"per_s": 6547.4, "waiting": 200}, "pgbench_8": {"per_s": 7961.0, "mean_ms": 1.0}}
    text = report({"journal": result("journal", figures)})
    assert "| journal | 2026-11-25 10:00 UTC | abc1234 | 0.25 | 1 min 15 s | --seconds 5 |" in text
    assert "2 cores (Some CPU), 23 GB, Linux 6.1.0, Python 3.11.7" in text
    assert "| cold_200 | 6,547 |  |" in text
    assert "| pgbench_8 | 7,961 | 1 |" in text


def test_figures_of_a_busy_machine_are_said_to_be_such() -> None:
    busy = replace(result("http", {}), under=replace(UNDER, load_before=7.3))
    quiet = result("verify", {})
    assert "not to be relied on: http." in report({"http": busy, "verify": quiet})
    assert "busy" not in report({"verify": quiet})


def test_writing_replaces_what_stands_between_the_markers_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{BEGIN}\nwritten last year\n{END}\n\nAfter\n")
    write_into(page, {})
    once = page.read_text()
    assert once.startswith(f"# Before\n\n{BEGIN}\n\n| measurement")
    assert once.endswith(f"{END}\n\nAfter\n")
    assert "written last year" not in once
    write_into(page, {})
    assert page.read_text() == once


@pytest.mark.parametrize("text", ["nothing", BEGIN, f"{END}\n{BEGIN}"])
def test_a_page_without_its_markers_is_left_alone(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(MarkersMissing):
        write_into(page, {})
    assert page.read_text() == text


def test_the_projects_own_page_has_the_markers() -> None:
    text = (Path(__file__).parents[3] / DOCUMENT).read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.index(BEGIN) < text.index(END)


def test_results_are_kept_by_name_and_a_failed_run_leaves_none(tmp_path: Path) -> None:
    first, second = result("journal", {"ratio_200": 1.0}), result("verify", {"entries_per_s": 5.0})
    for one in (first, second, first):
        keep(one, tmp_path)
    assert kept(tmp_path) == {"journal": first, "verify": second}
    forget("journal", tmp_path)
    forget("journal", tmp_path)
    assert kept(tmp_path) == {"verify": second}


@pytest.mark.parametrize(
    ("value", "text"), [(6547.4, "6,547"), (99.96, "100"), (1.0, "1"), (0.0412, "0.0412"), (0, "0")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_growth_is_told_by_size_and_drawn_beside_the_page(tmp_path: Path) -> None:
    sizes = [{"transfers": 1e4, "payments_per_s": 7000.0}, {"transfers": 1e6, "payments_per_s": 6500.0}]
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    write_into(page, {"growth": result("growth", {"sizes": sizes})})
    assert "| | 10,000 transfers | 1,000,000 transfers |" in page.read_text()
    assert "| payments a second, 1,000 waiting | 7,000 | 6,500 |" in page.read_text()
    assert "p50" not in page.read_text().partition("How cost grows")[2]  # no row for what was not measured
    drawn = etree.fromstring((tmp_path / PLOT).read_bytes())
    assert [text for text in drawn.itertext() if text.strip() in {"7,000", "6,500"}] == ["7,000", "6,500"]
    higher, lower = (float(dot.get("cy", "nan")) for dot in drawn.iter("{*}circle"))
    assert higher < lower  # SVG counts down the page
