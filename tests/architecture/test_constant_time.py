"""A secret is compared in a time that says nothing of where it differs (KEY-11): by `compare_digest`, or by the hash that it is
looked up by, of which whoever guesses cannot choose a prefix."""

import ast
import re
import statistics
from collections.abc import Callable, Iterator
from time import perf_counter_ns

import pytest

from chains.signer.memory import memory
from tests.architecture.sources import PRODUCT, Source, bites, last_name, refuse, violations
from wallet.access.keys import hash_secret

_SECRET = re.compile(r"(^|_)(macs?|secrets?|tokens?|passwords?|passphrase|hmac|csrf)$|^ask_secret$")
SAMPLES = 100_000
APART_NS_MAX = 1_000


def plain_comparisons(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.Compare) and _is_equality(node) and _has_secret(node):
            yield source.at(node, "compare a secret with hmac.compare_digest")


def _is_equality(node: ast.Compare) -> bool:
    return any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)


def _has_secret(node: ast.Compare) -> bool:
    return any(_SECRET.search(_named(side)) for side in (node.left, *node.comparators))


def _named(side: ast.expr) -> str:
    if isinstance(side, ast.Call):
        return last_name(side.func) or ""
    return last_name(side.value if isinstance(side, ast.Subscript) else side) or ""


def test_key_11_no_secret_is_compared_by_equality() -> None:
    refuse(violations(plain_comparisons, *PRODUCT))


@pytest.mark.parametrize(
    "text", ["a = mac == b", "a = x.secret != b", "if password[0] == b: pass", "if t.ask_secret(q) == b: pass"]
)
def test_the_rule_bites(text: str) -> None:
    assert bites(plain_comparisons, text)


@pytest.mark.whole
@pytest.mark.parametrize("compare", [memory._same, lambda one, other: hash_secret(one) == hash_secret(other)])
def test_key_11_the_first_wrong_byte_takes_as_long_as_the_last(compare: Callable[[str, str], bool]) -> None:
    right = "5a" * 32
    wrong = ("0" + right[1:], right[:-1] + "0")
    taken: tuple[list[int], list[int]] = ([], [])
    for sample in range(SAMPLES):
        place = sample & 1
        before = perf_counter_ns()
        compare(wrong[place], right)
        taken[place].append(perf_counter_ns() - before)
    first, last = (statistics.median(one) for one in taken)
    assert abs(first - last) < APART_NS_MAX
