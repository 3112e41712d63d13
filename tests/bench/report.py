"""What the last runs found, as Markdown: the part of docs/benchmarks.md between two markers, which nobody writes by hand."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.bench.aims import AIMS, Aim
from tests.bench.figures import number
from tests.bench.growing import growth_plot, growth_table
from tests.bench.kept import Kept

DOCUMENT = Path("docs/benchmarks.md")
PLOT = "growth.svg"  # beside it
QUIET_LOAD = 0.5
BEGIN, END = "<!-- what make bench wrote -->", "<!-- end of what make bench wrote -->"


class MarkersMissing(Exception):
    """The document has no place for the figures."""


def write_into(document: Path, results: Mapping[str, Kept]) -> None:
    """Replaces what stands between the markers, and the plot beside the document. Raises `MarkersMissing`."""
    text = document.read_text(encoding="utf-8")
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise MarkersMissing(f"{document} needs the lines {BEGIN} and {END}")
    document.write_text(f"{before}{BEGIN}\n\n{report(results)}\n{END}{after}", encoding="utf-8")
    if "growth" in results:
        document.with_name(PLOT).write_text(growth_plot(results["growth"].figures["sizes"]), encoding="utf-8")


def report(results: Mapping[str, Kept]) -> str:
    """Aims beside figures, then each run's circumstances, then what each contender did."""
    return (
        "\n\n".join([aims(results), *_busy(results), circumstances(results), *_contenders(results), *_growth(results)])
        + "\n"
    )


def aims(results: Mapping[str, Kept]) -> str:
    """A row for each aim; what no run gave is said to be not measured."""
    rows = ["| measurement | figure | aim | measured | met | rounds |", "|---|---|---|---|---|---|"]
    return "\n".join(rows + [_aim_row(aim, results.get(aim.measurement)) for aim in AIMS])


def _aim_row(aim: Aim, result: Kept | None) -> str:
    value = None if result is None else result.figures.get(aim.figure)
    if result is None or value is None:
        return f"| {aim.measurement} | `{aim.figure}` | {aim.told()} | not measured | | |"
    rounds = ", ".join(number(value) for value in by_round(result.figures, aim.figure))
    return f"| {aim.measurement} | `{aim.figure}` | {aim.told()} | {number(value)} | {aim.judged(value)} | {rounds} |"


def by_round(figures: Mapping[str, Any], name: str) -> list[float]:
    """A figure's values in each round, where the measurement tells them."""
    for key in ("ratios_by_round", "rounds"):
        rounds = figures.get(key)
        if isinstance(rounds, list):
            return [one[name] for one in rounds if isinstance(one, dict) and name in one]
    return []


def _busy(results: Mapping[str, Kept]) -> Iterator[str]:
    """Figures of a busy machine are told, and said to be such."""
    busy = [name for name, result in sorted(results.items()) if result.under.load_before > QUIET_LOAD]
    if busy:
        yield f"Made while the machine was busy with something else, and not to be relied on: {', '.join(busy)}."


def circumstances(results: Mapping[str, Kept]) -> str:
    rows = ["| measurement | when | commit | load before | took | options |", "|---|---|---|---|---|---|"]
    for name, result in sorted(results.items()):
        words, under = " ".join(result.words) or "none", result.under
        took = f"{result.took_s // 60} min {result.took_s % 60} s"
        rows.append(f"| {name} | {under.at} | {under.commit} | {under.load_before:g} | {took} | {words} |")
    machines = {f"{one.under.machine}, Python {one.under.python}" for one in results.values()}
    return "\n".join([*sorted(machines), *sorted(set(_servers(results))), "", *rows])


def _servers(results: Mapping[str, Kept]) -> Iterator[str]:
    for result in results.values():
        settings = result.figures.get("settings")
        if isinstance(settings, dict) and "fdatasync_us" in settings:
            yield (
                f"PostgreSQL {settings['server_version']}, fsync {settings['fsync']},"
                f" full_page_writes {settings['full_page_writes']},"
                f" synchronous_commit {settings['synchronous_commit']},"
                f" shared_buffers {settings['shared_buffers']}"
            )


def _contenders(results: Mapping[str, Kept]) -> Iterator[str]:
    """For each measurement a table of its contenders: whatever figures have a speed of their own."""
    for name, result in sorted(results.items()):
        speeds = {key: one for key, one in result.figures.items() if isinstance(one, dict) and "per_s" in one}
        if speeds:
            yield f"`{name}`, medians of {len(result.figures.get('ratios_by_round', []))} rounds:\n\n{_table(speeds)}"


def _growth(results: Mapping[str, Kept]) -> Iterator[str]:
    if "growth" in results:
        yield f"### How cost grows\n\n{growth_table(results['growth'].figures['sizes'])}\n\n![How cost grows]({PLOT})"


def _table(speeds: Mapping[str, Mapping[str, float]]) -> str:
    columns = list(dict.fromkeys(key for one in speeds.values() for key in one if key != "waiting"))
    rows = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, one in speeds.items():
        cells = [number(one[column]) if column in one else "" for column in columns]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)
