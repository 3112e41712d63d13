"""XML from outside: no document type, no entities, no network; then the official schema; then plain look-ups by path.

What this prevents: entity bombs, files read through external entities, and statements that another parser would read
differently. Reasons never quote the file's text: it names people.
"""

import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any
from xml.parsers import expat

from lxml import etree

DOCUMENT_BYTES_MAX = 16 * 1024 * 1024  # ten thousand movements need about 15 MB; the tree takes ten times that
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_SCHEMAS = Path(__file__).parent / "vendor"
_ELEMENT = re.compile(r"Element '\{[^}]*\}(\w+)'")


class DocumentRefused(ValueError):
    """Not a document that we read. `reason` is for people and free of personal data; `cut` says that it may be a part of
    one: it is not well-formed, as a file that is still being written."""

    def __init__(self, reason: str, *, cut: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cut = cut


class _RootReached(Exception):
    """The prolog is over and had no document type."""


def parse_document(raw: bytes, messages: Collection[str]) -> etree._Element:
    """The root of a schema-valid document of one of `messages` ("camt.053.001.08"). Raises `DocumentRefused`."""
    if len(raw) > DOCUMENT_BYTES_MAX:
        raise DocumentRefused(f"larger than {DOCUMENT_BYTES_MAX} bytes")
    _refuse_document_type(raw)
    root = _parse(raw)
    message = _message(root)
    if message not in messages:
        raise DocumentRefused(f"not one of {', '.join(messages)}")
    _validate(root, message)
    return root


def _refuse_document_type(raw: bytes) -> None:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _document_type
    parser.StartElementHandler = _root_reached
    try:
        parser.Parse(raw, True)
    except _RootReached:
        return
    except DocumentRefused:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DocumentRefused("not XML", cut=True) from error
    raise DocumentRefused("not XML: no element", cut=True)


def _document_type(*_: object) -> None:
    raise DocumentRefused("has a document type declaration, which statements do not need and attacks do")


def _root_reached(*_: object) -> None:
    raise _RootReached


def _parse(raw: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise DocumentRefused(f"not well-formed XML (line {error.lineno})", cut=True) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise DocumentRefused("has a document type declaration")
    return root


def _message(root: etree._Element) -> str:
    name = etree.QName(root)
    namespace = name.namespace or ""
    return namespace.removeprefix(NAMESPACE) if name.localname == "Document" else ""


def _validate(root: etree._Element, message: str) -> None:
    schema = _schema(message)
    if schema.validate(root):
        return
    log: Any = schema.error_log  # the stubs leave it empty
    error = log[0]
    match = _ELEMENT.search(error.message)
    element = f"element {match.group(1)}, " if match else ""
    raise DocumentRefused(f"does not follow the schema of {message} ({element}line {error.line})")


@cache
def _schema(message: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_SCHEMAS / f"{message}.xsd"))


# ── look-ups ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _expand(path: str) -> str:
    return "/".join(f"{{*}}{step}" for step in path.split("/"))


def nodes_at(node: etree._Element, path: str) -> list[etree._Element]:
    """All elements at this path of local names."""
    return node.findall(_expand(path))


def node_at(node: etree._Element, path: str) -> etree._Element | None:
    return node.find(_expand(path))


def text_at(node: etree._Element, *paths: str) -> str | None:
    """The stripped text at the first of `paths` that has any; None where none has."""
    for path in paths:
        text = node.findtext(_expand(path))
        if text is not None and text.strip():
            return text.strip()
    return None
