"""A broad `except` hides what went wrong. Two places may have one: the loop that outlives its steps, and the API's last
resort. Both log and count."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import PRODUCT, Source, bites, last_name, violations

BROAD = frozenset({"Exception", "BaseException"})
ALLOWED = {"node/workers/loop.py", "api/answering.py"}


def broad_excepts(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            yield source.at(node, "name the errors that are expected here")
        elif isinstance(node, ast.Call) and last_name(node.func) == "suppress" and any(map(_is_broad, node.args)):
            yield source.at(node, "name the errors that are suppressed here")


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(_is_broad, caught.elts))
    return caught is None or last_name(caught) in BROAD


def test_errors_are_caught_by_name() -> None:
    found = {violation.partition(":")[0]: violation for violation in violations(broad_excepts, *PRODUCT)}
    assert set(found) == ALLOWED, found


@pytest.mark.parametrize(
    "text",
    [
        "try: f()\nexcept: pass",
        "try: f()\nexcept Exception: pass",
        "try: f()\nexcept (OSError, builtins.BaseException) as e: pass",
        "try: f()\nexcept* Exception: pass",
        "with contextlib.suppress(Exception): f()",
    ],
)
def test_the_rule_on_broad_excepts_bites(text: str) -> None:
    assert bites(broad_excepts, text)


def test_named_errors_are_allowed() -> None:
    assert not bites(broad_excepts, "try: f()\nexcept (OSError, ValueError): pass")
