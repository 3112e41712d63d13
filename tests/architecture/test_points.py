"""Crash points: each name in the list is used, and each use is in the list, so that every point is one that tests kill at."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import PRODUCT, Source, bites, last_name, refuse, sources, violations
from wallet.points import POINTS


def unknown_points(source: Source) -> Iterator[str]:
    for call in _passes(source):
        name = _name(call)
        if name not in POINTS:
            yield source.at(call, f"{name or 'a point without a plain name'} is not in POINTS")


def _passes(source: Source) -> Iterator[ast.Call]:
    for node in source.nodes:
        if isinstance(node, ast.Call) and last_name(node.func) == "point":
            yield node


def _name(call: ast.Call) -> str | None:
    argument = call.args[0] if call.args else None
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


def test_only_named_points_are_passed() -> None:
    refuse(violations(unknown_points, *PRODUCT))


def test_every_named_point_is_passed_in_one_place() -> None:
    passed = [name for source in sources(*PRODUCT) for call in _passes(source) if (name := _name(call))]
    assert sorted(passed) == sorted(POINTS)


def test_the_rule_on_points_bites() -> None:
    assert bites(unknown_points, 'point("withdrawal.after_lunch")')
    assert bites(unknown_points, "point(name)")
    assert not bites(unknown_points, 'point("withdrawal.after_sign")')
