"""Lock files pin everything by hash and name no host, so that they serve behind any mirror."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.architecture.sources import ROOT, refuse

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
_HOST = re.compile(r"https?:|--(?:extra-)?index-url|--find-links|--trusted-host|^-i\b| @ |file:")
_PINNED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._\[\],-]*==\S+( ;.*)? *\\$")


def entries(text: str) -> Iterator[tuple[str, int]]:
    """Each requirement with the number of its hashes."""
    name, hashes = "", 0
    for line in text.splitlines():
        if line.startswith("    --hash=sha256:"):
            hashes += 1
        elif line and not line.lstrip().startswith("#"):
            if name:
                yield name, hashes
            name, hashes = line, 0
    if name:
        yield name, hashes


def hosts(text: str) -> list[str]:
    return [line for line in text.splitlines() if _HOST.search(line)]


def unpinned(text: str) -> list[str]:
    return [line for line, hashes in entries(text) if hashes == 0 or not _PINNED.match(line)]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_are_pinned_by_hash_and_name_no_host(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert list(entries(text))
    assert unpinned(text) == []
    assert hosts(text) == []


def test_what_runs_is_what_was_tested() -> None:
    run, tested = ({line for line, _ in entries((ROOT / name).read_text(encoding="utf-8"))} for name in REQUIREMENTS)
    assert run <= tested, run - tested


def test_the_lock_of_the_development_network_names_no_host() -> None:
    packages: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    refuse([name for name, package in packages.items() if "resolved" in package])
    refuse([name for name, package in packages.items() if name and "integrity" not in package])
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text(encoding="utf-8").split()


def test_the_rules_on_locks_bite() -> None:
    assert hosts("--index-url https://somewhere.example/simple")
    assert hosts("thing @ https://somewhere.example/thing.whl")
    assert unpinned("thing>=1 \\\n    --hash=sha256:00")
    assert unpinned("thing==1 \\\n    # via other")
    assert not unpinned("thing==1 \\\n    --hash=sha256:00\nother==2 ; sys_platform == 'x' \\\n    --hash=sha256:00")
