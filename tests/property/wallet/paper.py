"""A bank on paper: one list of lines, and every figure is the sum of lines. It keeps no balance and knows no code of ours.

What the ledger says must be what this one says: who has what, what is promised, and why something cannot be done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

CAP = 2**256 - 1


class Line(NamedTuple):
    """`what` is "moves", "promises" (under `name`), "keeps" (the promise, or a part of it) or "lifts" it. A `fact` has happened
    already; `owed` names who bears what `giver` cannot give; `debt` what is repaid before `taker` gets anything."""

    what: str
    giver: str
    taker: str
    units: int
    name: str = ""
    fact: bool = False
    owed: str = ""
    debt: str = ""

    @property
    def moved(self) -> int:
        return self.units if self.what in ("moves", "keeps") else 0

    @property
    def promised(self) -> int:
        return {"moves": 0, "promises": self.units, "keeps": -self.units, "lifts": -self.units}[self.what]


class Row(NamedTuple):
    """A row to be written: at the version that was read (None makes it); `handle` is nobody else's."""

    id: str
    version: int | None
    handle: str = ""


class Need(NamedTuple):
    id: str
    version: int


class Mark(NamedTuple):
    """An account is frozen or closed from now on, or neither."""

    account: str
    frozen: bool
    closed: bool


class Top(NamedTuple):
    """These places hold at most so much together, after all."""

    places: tuple[str, ...]
    units: int


@dataclass(frozen=True)
class Order:
    """What somebody wants: lines, rows and marks, under tops, all or nothing."""

    lines: tuple[Line, ...] = ()
    needs: tuple[Need, ...] = ()
    rows: tuple[Row, ...] = ()
    marks: tuple[Mark, ...] = ()
    tops: tuple[Top, ...] = ()


@dataclass
class Paper:
    lines: list[Line] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def takes(self, order: Order) -> frozenset[str]:
        """Written down whole, and nothing returned; or not at all, with all that speaks against the first bad line."""
        draft = Paper(list(self.lines), list(self.rows), list(self.marks))
        if faults := draft._rows_written(order) or draft._lines_written(order.lines) or draft._over(order.tops):
            return frozenset(faults)
        self.lines, self.rows, self.marks = draft.lines, draft.rows, draft.marks + list(order.marks)
        return frozenset()

    def _rows_written(self, order: Order) -> set[str]:
        if any(self.version(need.id) != need.version for need in order.needs):
            return {"stale"}
        for row in order.rows:
            if row.version is None and (self.version(row.id) is not None or self._is_taken(row.handle)):
                return {"already_exists"}
            if row.version is not None and self.version(row.id) != row.version:
                return {"stale"}
            self.rows.append(row)
        return set()

    def _lines_written(self, lines: Sequence[Line]) -> set[str]:
        for wanted in lines:
            for line in self._in_parts(wanted):
                loss = bool(wanted.owed or wanted.debt)
                if faults := {code for code, wrong in self._against(line, loss=loss).items() if wrong}:
                    return faults
                self.lines.append(line)
        return set()

    def _over(self, tops: Sequence[Top]) -> set[str]:
        return {"beyond_observed" for top in tops if -sum(map(self.has, top.places)) > top.units}

    def _in_parts(self, line: Line) -> list[Line]:
        """First what the giver has, or what is owed; the rest elsewhere."""
        if line.owed:
            closed = self._mark(line.giver).closed
            first = 0 if closed else min(line.units, self.free(line.giver))
            parts = [line._replace(units=first), line._replace(units=line.units - first, giver=line.owed)]
        elif line.debt:
            first = min(line.units, max(-self.has(line.debt), 0))
            parts = [line._replace(units=first, taker=line.debt), line._replace(units=line.units - first)]
        else:
            parts = [line]
        return [part._replace(owed="", debt="") for part in parts if part.units]

    def _against(self, line: Line, *, loss: bool) -> dict[str, bool]:
        """Every reason that there could be, and whether it is one."""
        fresh = line.what in ("moves", "promises")
        giver, taker = self._mark(line.giver), self._mark(line.taker)
        is_place = line.taker.split(":")[1].split("@")[0] in ("hot", "deposits", "transit")
        open_rest = sum(each.promised for each in self.lines if each[1:3] == line[1:3] and each.name == line.name)
        return {
            "account_frozen": fresh and giver.frozen and not loss,
            "account_closed": fresh and (giver.closed or taker.closed),
            "insufficient_funds": (
                fresh and line.giver.split(":")[1] in ("balance", "fees") and self.free(line.giver) < line.units
            )
            or (is_place and not line.fact and line.moved > -self.has(line.taker)),
            "hold_not_open": not fresh and open_rest < line.units,
            "already_exists": line.what == "promises" and any(each.name == line.name for each in self.lines),
            "balance_overflow": self._given(line.giver) + line.moved + line.promised > CAP
            or self._got(line.taker) + line.moved + line.promised > CAP,
        }

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def has(self, account: str) -> int:
        return sum(e.moved for e in self.lines if e.taker == account) - sum(
            e.moved for e in self.lines if e.giver == account
        )

    def held(self, account: str) -> int:
        return sum(each.promised for each in self.lines if each.giver == account)

    def coming(self, account: str) -> int:
        return sum(each.promised for each in self.lines if each.taker == account)

    def free(self, account: str) -> int:
        return self.has(account) - self.held(account)

    def rest(self, name: str) -> int:
        return sum(each.promised for each in self.lines if each.name == name)

    def accounts(self) -> set[str]:
        return {name for line in self.lines for name in (line.giver, line.taker)} | {m.account for m in self.marks}

    def holds(self) -> set[str]:
        return {line.name for line in self.lines if line.name}

    def version(self, row: str) -> int | None:
        return sum(each.id == row for each in self.rows) or None

    def _given(self, account: str) -> int:
        return sum(each.moved + each.promised for each in self.lines if each.giver == account)

    def _got(self, account: str) -> int:
        return sum(each.moved + each.promised for each in self.lines if each.taker == account)

    def _is_taken(self, handle: str) -> bool:
        return any(each.handle == handle for each in self.rows if each.version is None)

    def _mark(self, account: str) -> Mark:
        return next((each for each in reversed(self.marks) if each.account == account), Mark(account, False, False))
