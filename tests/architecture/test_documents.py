"""Links in documents lead somewhere, and every decision can be found from the page on the architecture."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import ROOT, refuse

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def links(text: str) -> list[str]:
    """Targets of links outside of code, without the place in the page."""
    return [target.partition("#")[0] for target in _LINK.findall(_FENCED.sub("", text))]


def broken_links(document: Path) -> Iterator[str]:
    for target in links(document.read_text(encoding="utf-8")):
        if (
            target
            and "://" not in target
            and not target.startswith("mailto:")
            and not (document.parent / target).exists()
        ):
            yield f"{document.relative_to(ROOT)}: {target} does not exist"


def test_links_between_documents_lead_somewhere() -> None:
    assert documents()
    refuse([broken for document in documents() for broken in broken_links(document)])


def test_every_decision_is_linked_from_the_architecture() -> None:
    decisions = {path.name for path in (ROOT / "docs/decisions").glob("*.md")}
    architecture = ROOT / "docs/architecture.md"
    linked = {Path(target).name for target in links(architecture.read_text(encoding="utf-8"))} if decisions else set()
    assert decisions <= linked, sorted(decisions - linked)


def test_links_are_found_outside_of_code() -> None:
    assert links("see [a](docs/a.md#top) and\n```\n[b](b.md)\n```\n") == ["docs/a.md"]
