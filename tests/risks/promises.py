"""Promises out of their file, tests out of the sources, and what does not fit between the two."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.sources import Source, functions

FILE = Path(__file__).with_name("risks.toml")
SEVERITIES = ("S0", "S1", "S2")  # money lost or made, keys lost; money stuck, data exposed, node down; other

_ID = re.compile(r"[A-Z]{3}-\d\d")
_CARRIES = re.compile(r"test_([a-z]{3})_(\d\d)_")


class RisksMalformed(Exception):
    """The list of promises contradicts itself. Says where."""


@dataclass(frozen=True, slots=True)
class Promise:
    """`without` is the reason why there is no test of it, or none yet."""

    id: str
    severity: str
    text: str
    without: str | None = None

    @property
    def area(self) -> str:
        return self.id[:3]


@dataclass(frozen=True, slots=True)
class Promises:
    """All promises by id, in order. `finished` are the areas in which every S0 promise must be kept by a test."""

    finished: frozenset[str]
    by_id: Mapping[str, Promise]


@dataclass(frozen=True, slots=True)
class Found:
    """A test that carries an id."""

    id: str
    place: str
    name: str


def read_promises(text: str) -> Promises:
    """Raises `RisksMalformed` for what is no list of promises."""
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as failure:
        raise RisksMalformed(f"not TOML: {failure}") from None
    finished = frozenset(written.pop("finished", ()))
    by_id = {name: _promise(name, table) for name, table in sorted(written.items())}
    strangers = finished - {promise.area for promise in by_id.values()}
    if strangers:
        raise RisksMalformed(f"finished: {', '.join(sorted(strangers))} has no promise")
    return Promises(finished, by_id)


def _promise(name: str, table: object) -> Promise:
    if not _ID.fullmatch(name):
        raise RisksMalformed(f"{name}: an id is three letters and two digits")
    if not isinstance(table, dict) or not {"severity", "promise"} <= table.keys() <= {"severity", "promise", "without"}:
        raise RisksMalformed(f"{name}: severity and promise, and perhaps why it is without a test")
    if table["severity"] not in SEVERITIES:
        raise RisksMalformed(f"{name}: severity is one of {', '.join(SEVERITIES)}")
    return Promise(name, table["severity"], table["promise"], table.get("without"))


def found_in(sources: Iterable[Source]) -> Iterator[Found]:
    """Tests that carry an id, found by their names."""
    for source in sources:
        for function in functions(source):
            carried = _CARRIES.match(function.name)
            if carried is not None:
                area, number = carried.groups()
                yield Found(f"{area.upper()}-{number}", f"{source.path}:{function.lineno}", function.name)


def complaints(promises: Promises, found: Iterable[Found]) -> list[str]:
    """An S0 promise of a finished area that no test keeps; a test that keeps no promise that we know; a reason to be
    without tests where there are some."""
    tests = list(found)
    kept = {test.id for test in tests}
    wrong = [f"{test.place}: {test.id} is no promise of ours" for test in tests if test.id not in promises.by_id]
    for promise in promises.by_id.values():
        if promise.id in kept and promise.without is not None:
            wrong.append(f"{promise.id}: has tests, and a reason to have none")
        if must_be_kept(promises, promise) and promise.id not in kept:
            wrong.append(f"{promise.id}: no test keeps it: {promise.text}")
    return wrong


def must_be_kept(promises: Promises, promise: Promise) -> bool:
    """A reason does not excuse what is of the first severity."""
    return promise.severity == "S0" and promise.area in promises.finished
