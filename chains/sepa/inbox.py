"""The folder into which the bank drops statement files, and the one into which refused files go. No judgement here.

A file leaves the folder only by a claim: it is renamed aside and must still have the digest that was read. So a file that
the bank writes under an old name in the meantime is never removed unread.
"""

import hashlib
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from chains.sepa.account import Account
from chains.sepa.camt import Statement, read_statements
from chains.sepa.document import DOCUMENT_BYTES_MAX, DocumentRefused

SETTLE_S = 0.3  # a file changed more recently may still be in the writing
CUT_SETTLE_S = 2.0  # one that ends too soon gets longer: an upload may stall
CLAIM_STALE_S = 60.0  # a claim this old was left by a process that died
_CLAIM = ".claimed-"
_UNFINISHED = (".tmp", ".part")

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it was read: its statements, or why it cannot be one of ours."""

    name: str
    version: Version
    digest: str
    statements: tuple[Statement, ...]
    refusal: str | None


class Inbox:
    """`in/` and `refused/` of a bank folder. All methods block; run them in a thread. Raises `OSError`."""

    def __init__(self, folder: Path, account: Account) -> None:
        self._arriving = folder / "in"
        self._refused = folder / "refused"
        self._account = account
        self._read: dict[str, Arrival] = {}
        for part in (self._arriving, self._refused):
            part.mkdir(mode=0o750, parents=True, exist_ok=True)  # the files name people

    def look(self) -> list[Arrival]:
        """All finished files, oldest statement first. A file is parsed once for as long as it does not change."""
        self._return_stale_claims()
        versions = {name: version for name in sorted(os.listdir(self._arriving)) if (version := self._version(name))}
        arrivals = [arrival for name, version in versions.items() if (arrival := self._arrival(name, version))]
        self._read = {arrival.name: arrival for arrival in arrivals}
        return sorted(arrivals, key=_order)

    def load(self, arrival: Arrival) -> bytes | None:
        """The bytes that were judged; None when the file has changed or gone since."""
        try:
            raw = (self._arriving / arrival.name).read_bytes()
        except FileNotFoundError:
            return None
        return raw if _digest(raw) == arrival.digest else None

    def remove(self, arrival: Arrival) -> None:
        """Its statements are stored sealed, or known: the clear copy goes."""
        claim = self._claim(arrival)
        if claim is not None:
            claim.unlink(missing_ok=True)

    def refuse(self, arrival: Arrival, reason: str) -> None:
        """Moves the file aside as it is, with the reason beside it. Nothing of it is lost."""
        claim = self._claim(arrival)
        if claim is None:
            return
        target = self._refused / arrival.name
        if target.exists() and _digest_of(target) != arrival.digest:
            target = self._refused / f"{arrival.digest[:16]}-{arrival.name}"
        target.with_name(f"{target.name}.reason.txt").write_text(f"{reason}\n", encoding="utf-8")
        claim.replace(target)

    def _version(self, name: str) -> Version | None:
        """None for what is not a finished regular file: hidden, still being written, a folder, a link."""
        if name.startswith(".") or name.lower().endswith(_UNFINISHED):
            return None
        try:
            status = os.lstat(self._arriving / name)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode) or abs(time.time() - status.st_mtime) < SETTLE_S:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _arrival(self, name: str, version: Version) -> Arrival | None:
        known = self._read.get(name)
        if known is not None and known.version == version:
            return known
        try:
            return self._read_file(name, version)
        except FileNotFoundError:
            return None

    def _read_file(self, name: str, version: Version) -> Arrival | None:
        path = self._arriving / name
        if version[1] > DOCUMENT_BYTES_MAX:
            return Arrival(name, version, _digest_of(path), (), f"larger than {DOCUMENT_BYTES_MAX} bytes")
        raw = path.read_bytes()
        try:
            return Arrival(name, version, _digest(raw), read_statements(raw, self._account), None)
        except DocumentRefused as error:
            if error.cut and abs(time.time() - path.stat().st_mtime) < CUT_SETTLE_S:
                return None
            return Arrival(name, version, _digest(raw), (), error.reason)

    def _claim(self, arrival: Arrival) -> Path | None:
        claim = self._arriving / f"{_CLAIM}{arrival.digest[:16]}-{arrival.name}"
        try:
            os.rename(self._arriving / arrival.name, claim)
        except FileNotFoundError:
            return None
        if _digest_of(claim) == arrival.digest:
            return claim
        self._return(claim, arrival.name)
        return None

    def _return_stale_claims(self) -> None:
        for name in os.listdir(self._arriving):
            if name.startswith(_CLAIM) and self._is_stale(self._arriving / name):
                self._return(self._arriving / name, name.removeprefix(_CLAIM).partition("-")[2])

    def _is_stale(self, claim: Path) -> bool:
        try:
            return time.time() - claim.stat().st_ctime > CLAIM_STALE_S
        except FileNotFoundError:
            return False

    def _return(self, claim: Path, name: str) -> None:
        target = self._arriving / name
        claim.rename(target if not target.exists() else self._arriving / claim.name.removeprefix(_CLAIM))


def _order(arrival: Arrival) -> tuple[str, int, str]:
    if not arrival.statements:
        return "", 0, arrival.name
    first = arrival.statements[0]
    return first.closed_on.isoformat(), first.sequence or 0, arrival.name


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
