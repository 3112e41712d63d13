"""The project's own Python, parsed once, for rules to look at."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("wallet", "chains", "api", "node")
EVERYTHING = (*PRODUCT, "tests")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One file. `path` is relative to the project's root, with slashes; `nodes` are all nodes of its tree."""

    path: str
    lines: int
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    def at(self, node: ast.AST, what: str) -> str:
        """A violation as one line that an editor can jump to."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


Rule = Callable[[Source], Iterator[str]]


def parsed(path: str, text: str) -> Source:
    tree = ast.parse(text)
    return Source(path, len(text.splitlines()), tree, tuple(ast.walk(tree)))


@cache
def _read(file: Path) -> Source:
    return parsed(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))


def sources(*tops: str) -> list[Source]:
    return [_read(file) for top in tops for file in sorted((ROOT / top).rglob("*.py"))]


def violations(rule: Rule, *tops: str) -> list[str]:
    """What breaks the rule in these packages. An empty project would break none, so it is refused."""
    found = sources(*(tops or EVERYTHING))
    assert found, f"no sources in {tops}"
    return [violation for source in found for violation in rule(source)]


def refuse(found: list[str]) -> None:
    """Fails with all that was found, a line each."""
    assert not found, "\n" + "\n".join(found)


def bites(rule: Rule, text: str, path: str = "wallet/example.py") -> bool:
    return any(rule(parsed(path, text)))


def functions(source: Source) -> Iterator[Function]:
    for node in source.nodes:
        if isinstance(node, Function):
            yield node


def length(node: Function | ast.ClassDef) -> int:
    """Lines from `def` or `class` to the last one, decorators apart."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def last_name(node: ast.AST | None) -> str:
    """`rows` of `rows` and of `schema.rows`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """The full name of whatever is imported: a module, or a name from one as `module.name`."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def comes_from(name: str, *modules: str) -> bool:
    """Whether a full name is one of these modules or lies in one."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)
