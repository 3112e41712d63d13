"""Names say what a thing is. Words that say nothing are not names."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests.architecture.sources import ROOT, Source, bites, refuse, violations

WORDS_WITHOUT_MEANING = frozenset(
    {
        *("Manager", "Helper", "Helpers", "Util", "Utils", "Handler", "Processor", "Service"),
        *("Base", "Abstract", "Impl", "Data", "Info"),
    }
)
DRAWERS = frozenset({"utils", "util", "helpers", "helper", "common", "base", "core", "misc", "types", "service"})
NETWORK_FILES = ("network", "scan", "address", "build", "submit", "status", "fees", "decode")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")


def empty_class_names(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.ClassDef):
            for word in WORDS_WITHOUT_MEANING.intersection(_WORD.findall(node.name)):
                yield source.at(node, f"class {node.name}: {word} says nothing")


def drawer(source: Source) -> Iterator[str]:
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if part.strip("_") in DRAWERS:
            yield source.at(source.tree, f"{part} is a drawer, not a noun")


def test_no_class_has_a_name_that_says_nothing() -> None:
    refuse(violations(empty_class_names))


def test_no_file_or_folder_is_a_drawer() -> None:
    refuse(violations(drawer))


@pytest.mark.parametrize("network", ["evm", "bitcoin", "sepa"])
def test_the_same_file_has_the_same_name_in_every_network(network: str) -> None:
    missing = [name for name in NETWORK_FILES if not (ROOT / "chains" / network / f"{name}.py").is_file()]
    assert missing == []


@pytest.mark.parametrize("name", ["PaymentManager", "BaseNetwork", "TxData", "HTTPHandler", "_KeyInfo", "AbstractBank"])
def test_the_rule_on_class_names_bites(name: str) -> None:
    assert bites(empty_class_names, f"class {name}: pass")


@pytest.mark.parametrize("name", ["Database", "Dataset", "Basement", "Informed", "Utility"])
def test_the_rule_on_class_names_looks_at_whole_words(name: str) -> None:
    assert not bites(empty_class_names, f"class {name}: pass")


def test_the_rule_on_files_bites() -> None:
    assert bites(drawer, "", "wallet/utils.py")
    assert bites(drawer, "", "api/common/money.py")
    assert not bites(drawer, "", "wallet/money.py")
