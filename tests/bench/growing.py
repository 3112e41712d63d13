"""How cost grows, as a table and as a plot, from what the bench `growth` found."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.figures import number
from tests.bench.plot import Line, Panel, draw

Sizes = Sequence[Mapping[str, float]]

# What a row of the table says, and the figure that it tells.
ROWS = (
    ("payments a second, 1,000 waiting", "payments_per_s"),
    ("÷ pgbench, 8 clients", "ratio"),
    ("p50, ms", "p50_ms"),
    ("Python, µs of processor per payment", "python_us"),
    ("PostgreSQL, µs of processor per payment", "postgres_us"),
    ("first page of a history, ms", "first_page_ms"),
    ("page in the middle of a history, ms", "deep_page_ms"),
    ("balance now, ms", "balance_ms"),
    ("balance at a past moment, ms", "past_balance_ms"),
    ("`coffer verify`, entries a second", "verify_entries_per_s"),
    ("`coffer verify`, seconds", "verify_s"),
    ("`coffer verify`, most memory, MB", "verify_mb"),
    ("memory of the process that pays, MB", "node_mb"),
    ("disk per payment, bytes with indexes", "bytes_per_payment"),
    ("… journal", "bytes_journal"),
    ("… transfers", "bytes_transfers"),
    ("… payments", "bytes_payments"),
    ("… requests", "bytes_requests"),
    ("… viewers", "bytes_journal_viewers"),
    ("archive per payment, bytes", "archived_bytes"),
    ("write-ahead log per payment, bytes", "log_bytes"),
    ("pgbench, whose tables do not grow", "pgbench_per_s"),
)
_PANELS = (
    ("Payments a second", (("Journal", "payments_per_s"), ("pgbench", "pgbench_per_s"))),
    ("Processor per payment, µs", (("Python", "python_us"), ("PostgreSQL", "postgres_us"))),
    ("Page of a history, ms", (("first", "first_page_ms"), ("middle", "deep_page_ms"))),
    ("Balance, ms", (("now", "balance_ms"), ("past moment", "past_balance_ms"))),
    ("coffer verify, entries a second", (("", "verify_entries_per_s"),)),
    ("Disk per payment, bytes", (("", "bytes_per_payment"),)),
)


def growth_table(sizes: Sizes) -> str:
    """Markdown: a row for each figure that was measured, a column for each size."""
    heads = [f"{int(size['transfers']):,} transfers" for size in sizes]
    rows = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for words, figure in ROWS:
        if all(figure in size for size in sizes):
            rows.append(f"| {words} | " + " | ".join(number(size[figure]) for size in sizes) + " |")
    return "\n".join(rows)


def growth_plot(sizes: Sizes) -> str:
    return draw([Panel(title, [_line(sizes, name, figure) for name, figure in lines]) for title, lines in _PANELS])


def _line(sizes: Sequence[Mapping[str, Any]], name: str, figure: str) -> Line:
    return Line(name, [(size["transfers"], size[figure]) for size in sizes if figure in size])
