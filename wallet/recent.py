"""Rows that this process read lately, and may decide on without reading them again.

Two kinds of rows are safe here, and no other is kept. Such as never change (who bears a handle). And such as a Change
names in `requires` at the version that was read: the Journal judges that under the head lock, so a row that changed
elsewhere meanwhile makes the Change `Stale`; it is dropped here and the decision is taken again on what is true.

What this prevents: three questions to the database before each payment, with answers that hardly ever change.
"""

from collections.abc import Mapping
from typing import Any

ROWS_MAX = 100_000  # some hundred bytes each


class RecentRows:
    """By table and the name that they were asked by. Past the limit the one that was kept first goes."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Mapping[str, Any]] = {}

    def get(self, table: str, name: str) -> Mapping[str, Any] | None:
        return self._rows.get((table, name))

    def keep(self, table: str, name: str, row: Mapping[str, Any]) -> None:
        if len(self._rows) >= ROWS_MAX:
            del self._rows[next(iter(self._rows))]
        self._rows[table, name] = row

    def drop(self, table: str, name: str) -> None:
        self._rows.pop((table, name), None)
