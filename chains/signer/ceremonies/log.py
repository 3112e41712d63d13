"""What was done with the seed, when, and before whom: a file without secrets in which nothing can be changed or left out.

    {"at": …, "facts": {…}, "hash": …, "previous": …, "what": "created", "witnesses": ["Ann", "Ben"]}

Each line's `hash` is SHA-256 over a tag and the rest of the line, in which `previous` is the hash of the line before. Print the
last one and have the witnesses sign it on paper: from then on the file is what they have seen, or it is another one.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chains.signer.files import open_private, read_private

WITNESSES_MIN = 2  # who does it, and who watches
NAME_MAX = 80
_TAG = b"coffer/ceremony/1\n"
_FIRST = "0" * 64
_BYTES_MAX = 4 * 1024 * 1024  # thousands of ceremonies


class CeremonyLogBroken(Exception):
    """The file is not what was written. The message names the line."""


class WitnessesMissing(Exception):
    """A ceremony is written down with the names of those who were there."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One ceremony."""

    at: str
    what: str
    witnesses: tuple[str, ...]
    facts: Mapping[str, Any]
    hash: str


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    at: str
    facts: dict[str, Any]
    hash: str
    previous: str
    what: str
    witnesses: tuple[str, ...]


def check_witnesses(names: Sequence[str]) -> tuple[str, ...]:
    """Raises `WitnessesMissing` for fewer than two different people."""
    cleaned = tuple(name.strip() for name in names)
    if len({name.casefold() for name in cleaned}) < WITNESSES_MIN:
        raise WitnessesMissing(
            "name at least two people: --witness NAME of who does it, and --witness NAME of who watches"
        )
    if not all(0 < len(name) <= NAME_MAX and name.isprintable() for name in cleaned):
        raise WitnessesMissing(f"a witness has a name of 1 to {NAME_MAX} characters")
    return cleaned


def write_down(file: Path, what: str, witnesses: Sequence[str], facts: Mapping[str, Any], at: str) -> str:
    """Append a ceremony, durably. Returns its hash. Raises `CeremonyLogBroken` where the file is not whole, `OSError`."""
    earlier = read_ceremonies(file) if file.exists() else []
    previous = earlier[-1].hash if earlier else _FIRST
    body = {"at": at, "facts": dict(facts), "previous": previous, "what": what, "witnesses": list(witnesses)}
    digest = _digest(body)
    if not file.exists():
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    descriptor = open_private(file, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, _canonical({**body, "hash": digest}) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return digest


def read_ceremonies(file: Path) -> list[Witnessed]:
    """All of them, the chain checked. Raises `CeremonyLogBroken`, `FileUnsafe`, `OSError`."""
    found: list[Witnessed] = []
    previous = _FIRST
    for number, text in enumerate(read_private(file, bytes_max=_BYTES_MAX).splitlines(), start=1):
        try:
            line = msgspec.json.decode(text, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise CeremonyLogBroken(f"{file}, line {number}: it is cut off or damaged") from None
        body = {name: getattr(line, name) for name in ("at", "facts", "previous", "what")}
        if line.previous != previous or _digest({**body, "witnesses": list(line.witnesses)}) != line.hash:
            raise CeremonyLogBroken(f"{file}, line {number}: it was changed, or a line before it is missing")
        found.append(Witnessed(line.at, line.what, line.witnesses, line.facts, line.hash))
        previous = line.hash
    return found


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_TAG + _canonical(body)).hexdigest()


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
