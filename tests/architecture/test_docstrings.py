"""Every module says what it is for, and whatever is public and not short says what it means."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.architecture.sources import (
    EVERYTHING,
    PRODUCT,
    ROOT,
    Function,
    Source,
    bites,
    last_name,
    length,
    refuse,
    sources,
    violations,
)

SPEAKS_FOR_ITSELF = 10
"""Lines up to which a public name, its types and its body tell enough."""


def silent_modules(source: Source) -> Iterator[str]:
    if ast.get_docstring(source.tree) is None:
        yield source.at(source.tree, "the module does not say what it is for")


def silent_names(source: Source) -> Iterator[str]:
    """Public functions, methods and classes that are longer than a glance. Classes that only list fields say it by them,
    and what answers for a method of a Protocol is told there."""
    yield from _silent(source, source.tree.body)


def _silent(source: Source, body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield from _silent(source, node.body)
            if not any(isinstance(member, Function) for member in node.body):
                continue
        told = ast.get_docstring(node) is not None or (isinstance(node, Function) and node.name in told_by_protocols())
        if length(node) > SPEAKS_FOR_ITSELF and not told:
            yield source.at(node, f"{node.name} has no docstring")


@cache
def told_by_protocols() -> frozenset[str]:
    protocols = (
        node
        for source in sources(*PRODUCT)
        for node in source.nodes
        if isinstance(node, ast.ClassDef) and any(last_name(base) == "Protocol" for base in node.bases)
    )
    members = (member for protocol in protocols for member in protocol.body)
    return frozenset(m.name for m in members if isinstance(m, Function) and ast.get_docstring(m) is not None)


def test_every_module_says_what_it_is_for() -> None:
    refuse(violations(silent_modules, *PRODUCT))


def test_public_names_say_what_they_mean() -> None:
    refuse(violations(silent_names, *PRODUCT))


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {file.parent for top in EVERYTHING for file in (ROOT / top).rglob("*.py")}
    refuse([str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()])


def test_the_rules_on_docstrings_bite() -> None:
    long = "\n" + "    pass\n" * SPEAKS_FOR_ITSELF
    assert bites(silent_modules, "x = 1")
    assert bites(silent_names, f"def pay():{long}")
    assert bites(silent_names, "class Bank:\n    def pay(self):" + long.replace("    ", "        "))
    assert not bites(silent_names, f"def _pay():{long}")
    assert not bites(silent_names, f'def pay():\n    """Pays."""{long}')
