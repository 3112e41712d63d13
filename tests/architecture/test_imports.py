"""Imports that say more than the arrows between packages do (those are import-linter's, in pyproject.toml)."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import (
    EVERYTHING,
    PRODUCT,
    Rule,
    Source,
    bites,
    comes_from,
    imports,
    last_name,
    refuse,
    violations,
)

NETWORKS = ("chains.evm", "chains.bitcoin", "chains.sepa")
SIGNER_READS = tuple(
    f"{network}.{file}"
    for network in NETWORKS
    for file in ("decode", "address", "bech32", "parameters", "payout", "rawtx", "taproot")
)
TIME_AND_CHANCE = ("time", "random", "uuid")
SIGNS_BITCOIN = "chains/signer/signing/bitcoin.py"
MADE_HERE = ("wallet/ids.py",)
"""Where the production source of identifiers is made of clock and entropy; everybody else is handed it."""


def mocks(source: Source) -> Iterator[str]:
    """Fakes that work, not mocks."""
    for node, name in imports(source):
        if comes_from(name, "unittest", "mock", "pytest_mock"):
            yield source.at(node, f"imports {name}")


def signer_trust(source: Source) -> Iterator[str]:
    """The signer believes no adapter: of a network it takes what decodes bytes and writes addresses, nothing that talks."""
    for node, name in imports(source):
        if comes_from(name, *NETWORKS) and not comes_from(name, *SIGNER_READS):
            yield source.at(node, f"imports {name}")


def web_types(source: Source) -> Iterator[str]:
    """Validation of requests and configuration stays at the edge; the core and the adapters have plain dataclasses."""
    for node, name in imports(source):
        if comes_from(name, "pydantic", "pydantic_core", "aiohttp.web"):
            yield source.at(node, f"imports {name}")


def clocks(source: Source) -> Iterator[str]:
    """Time and chance are inputs of the core, so that a run can be repeated."""
    for node, name in imports(source):
        if comes_from(name, *TIME_AND_CHANCE):
            yield source.at(node, f"imports {name}")


def bitcoinlib(source: Source) -> Iterator[str]:
    """It is loaded by its name, which import-linter does not see, so the name itself is looked for."""
    for node, name in imports(source):
        if comes_from(name, "bitcoinlib"):
            yield source.at(node, f"imports {name}")
    for node in source.nodes:
        if isinstance(node, ast.Call) and last_name(node.func) in {"import_module", "__import__"}:
            named = [str(one.value) for one in node.args if isinstance(one, ast.Constant)]
            yield from (source.at(node, f"loads {name}") for name in named if comes_from(name, "bitcoinlib"))


@pytest.mark.parametrize(
    ("rule", "packages"),
    [(mocks, EVERYTHING), (signer_trust, ("chains/signer",)), (web_types, ("wallet", "chains"))],
)
def test_nothing_is_imported_that_should_not_be(rule: Rule, packages: tuple[str, ...]) -> None:
    refuse(violations(rule, *packages))


def test_one_file_alone_loads_bitcoinlib() -> None:
    found = violations(bitcoinlib, *PRODUCT)
    assert found
    refuse([line for line in found if not line.startswith(f"{SIGNS_BITCOIN}:")])


def test_the_core_takes_time_and_chance_as_inputs() -> None:
    refuse([line for line in violations(clocks, "wallet") if not line.startswith(MADE_HERE)])


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (mocks, "from unittest import mock"),
        (mocks, "import unittest.mock"),
        (signer_trust, "from chains.evm.scan import Scanner"),
        (signer_trust, "from chains.sepa import network"),
        (web_types, "from pydantic import BaseModel"),
        (bitcoinlib, "from bitcoinlib.transactions import Transaction"),
        (bitcoinlib, "import importlib; importlib.import_module('bitcoinlib.keys')"),
        (clocks, "from time import time"),
        (clocks, "import random"),
    ],
)
def test_the_rules_on_imports_bite(rule: Rule, text: str) -> None:
    assert bites(rule, text)


def test_the_signer_may_decode() -> None:
    assert not bites(signer_trust, "from chains.evm.decode import decode\nfrom chains.bitcoin import address")
