"""Money is whole base units: no float, no Decimal, no division, no rounding. The only floats are seconds."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, bites, last_name, refuse, violations

MONEY_CODE = ("wallet", "chains", "api")
INEXACT = frozenset({"float", "Decimal", "Fraction", "round", "complex"})
INEXACT_MODULES = frozenset({"decimal", "fractions", "math", "cmath", "statistics", "numpy"})

DECIMAL_READERS = {
    "chains/bitcoin/answers.py": "bitcoind answers amounts as JSON numbers; they become satoshi exactly, here and nowhere else",
}
PATH_JOINERS = {
    "chains/sepa/inbox.py": "files in the folder where statements arrive",
    "chains/signer/settings.py": "the places that the signer's file names",
    "api/source.py": "the files of the source archive",
}
"""Files that join paths with `/` between two names, where the text does not show it. None of them divides."""


def inexact_numbers(source: Source) -> Iterator[str]:
    seconds = set(_seconds(source))
    for node in source.nodes:
        if node in seconds:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield source.at(node, f"{node.value} is not a number of seconds")
        elif isinstance(node, ast.Name) and node.id in INEXACT:
            yield source.at(node, f"{node.id} is inexact")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for module in INEXACT_MODULES.intersection(_modules(node)):
                yield source.at(node, f"{module} is inexact")


def divisions(source: Source) -> Iterator[str]:
    harmless = {*_seconds(source), *_paths(source)}
    for node in source.nodes:
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div) and node not in harmless:
            yield source.at(node, f"{ast.unparse(node)}: divide with divmod, and say where the rest goes")


def _paths(source: Source) -> Iterator[ast.AST]:
    """`folder / "in" / name`: a text on one side makes all that is joined with it a path; nothing divides by a text."""
    for node in source.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            joined = list(_joined(node))
            if any(isinstance(part, ast.JoinedStr) or _is_text(part) for part in joined):
                yield from joined


def _joined(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield from _joined(node.left)
        yield from _joined(node.right)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return [alias.name.partition(".")[0] for alias in node.names]


def _seconds(source: Source) -> Iterator[ast.AST]:
    """Nodes below a name that says seconds: `limit_s: float`, `RETRY_S = 0.2`, `wait(limit_s=0.2)`, `sleep(0.2)`."""
    for node in source.nodes:
        for below in _below_seconds(node):
            yield from ast.walk(below)


def _below_seconds(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.arg(arg=str(name)) | ast.keyword(arg=str(name)) if _says_seconds(name):
            return [node]
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) if _says_seconds(last_name(target)):
            return [node]
        case ast.Call(func=function, args=arguments) if last_name(function) == "sleep":
            return list(arguments)
        case ast.FunctionDef(name=name, returns=returns) if returns is not None and _says_seconds(name):
            return [node]
    return []


def _says_seconds(name: str) -> bool:
    return name.lower().endswith("_s") or name in {"seconds", "timeout"}


def outside(found: list[str], allowed: dict[str, str]) -> list[str]:
    """What was found in other files than the allowed ones. An exception that outlives its reason is a violation too."""
    files = {violation.partition(":")[0] for violation in found}
    spent = [f"{path} is clean: take it off the list" for path in allowed if path not in files]
    return spent + [violation for violation in found if violation.partition(":")[0] not in allowed]


def test_money_code_has_no_inexact_number() -> None:
    refuse(outside(violations(inexact_numbers, *MONEY_CODE), DECIMAL_READERS))


def test_money_code_does_not_divide() -> None:
    refuse(outside(violations(divisions, *MONEY_CODE), PATH_JOINERS))


@pytest.mark.parametrize(
    "text",
    [
        "fee = 0.1",
        "fee = float(text)",
        "def fee_of(units: float) -> int: ...",
        "from decimal import Decimal",
        "import math",
        "units = round(units)",
        "pay(1e18)",
        "RETRY_S, FEE = 0.2, 0.1",
    ],
)
def test_the_rule_on_inexact_numbers_bites(text: str) -> None:
    assert bites(inexact_numbers, text)


@pytest.mark.parametrize(
    "text", ["fee = units / 2", "units /= 2", "fee = (units * rate) / 10**4", "fee = (units / 100, 'in')"]
)
def test_the_rule_on_division_bites(text: str) -> None:
    assert bites(divisions, text)


@pytest.mark.parametrize(
    "text",
    [
        "RETRY_S = 0.2",
        "RETRY_S: float = 0.2",
        "def wait(limit_s: float) -> None: ...",
        "wait(limit_s=0.2)",
        "async def f() -> None:\n    await asyncio.sleep(1 / LOOKS_PER_S)",
        "quotient, rest = divmod(units, 100)",
        "half = units // 2",
        'path = folder / "in" / name',
        'path = folder / kind / f"{name}.xml"',
    ],
)
def test_seconds_and_whole_numbers_are_allowed(text: str) -> None:
    assert not bites(inexact_numbers, text)
    assert not bites(divisions, text)
