"""A key per person, each in a small file of its own outside the database, wrapped by a master key.

What this prevents: a database backup that still reads people who were erased; two processes that make two keys for one
person (half of the items would be lost); an erasure that a restored backup undoes.

    folder/master.key          32 random bytes, mode 0600
    folder/persons/ab/ID.key   nonce ‖ AES-256-GCM(master, person's key), bound to the person's id
    erased                     one id a line; written before the key goes, applied again at every opening

`erased` may lie elsewhere, so that restoring the folder from a backup does not bring the old list with it.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wallet.durable import make_once, sync_folder
from wallet.vault.items import KEY_BYTES, PersonErased, PersonKey, VaultError

_PERSON = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)  # also a file name: nothing that could leave the folder
_NONCE_BYTES = 12
_WRAP_TAG = b"coffer/vault-person-key/1\0"


class VaultKeysUnsafe(VaultError):
    """The key files are readable by others, damaged, or of another master key. The message names the file."""


class PersonUnknown(VaultError):
    """No key was ever made for this person here."""

    def __init__(self, person: str) -> None:
        super().__init__(f"the vault has no key for {person}")
        self.person = person


class PersonKeys:
    """The keys below one folder. Several processes may use it at once; nothing is cached, so an erasure counts at once."""

    def __init__(
        self, folder: Path, *, erased: Path | None = None, draw: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """`draw` gives the bytes of new persons' keys; only a simulation, whose every byte is a seed's, gives its own."""
        self._draw = draw
        self._persons = folder / "persons"
        self._erased = erased or folder / "erased"
        _make_folder(folder)
        _make_folder(self._persons)
        make_once(self._erased, b"")
        self._master = _open_master(folder / "master.key", fresh=next(self._persons.iterdir(), None) is None)
        self._apply_erasures()

    def __repr__(self) -> str:
        return f"PersonKeys({str(self._persons.parent)!r})"

    def get(self, person: str) -> PersonKey:
        """The person's key. Raises `PersonErased`, `PersonUnknown`, `VaultKeysUnsafe`."""
        try:
            wrapped = self._file(person).read_bytes()
        except FileNotFoundError:
            self._refuse_erased(person)
            raise PersonUnknown(person) from None
        return self._unwrap(person, wrapped)

    def get_or_create(self, person: str) -> PersonKey:
        """The person's key, made at the first call; processes that race get the same. Raises `PersonErased`."""
        with suppress(PersonUnknown):
            return self.get(person)
        with self._erased_locked(fcntl.LOCK_SH):
            self._refuse_erased(person)
            _make_folder(self._file(person).parent)
            make_once(self._file(person), self._wrap(person, self._draw(KEY_BYTES)))
        return self.get(person)

    def erase(self, person: str) -> None:
        """Destroy the person's key. On record first, so that a crash in between is finished at the next opening."""
        file = self._file(person)
        with self._erased_locked(fcntl.LOCK_EX) as record:
            if person not in self._erased_persons():
                _append_line(record, person)
            _unlink(file)

    def _file(self, person: str) -> Path:
        if not _PERSON.fullmatch(person):
            raise ValueError("a person's id is 1 to 64 lower-case letters, digits and underscores")
        shard = hashlib.sha256(person.encode()).hexdigest()[:2]  # ids sort by time; their hashes spread evenly
        return self._persons / shard / f"{person}.key"

    def _wrap(self, person: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._master).encrypt(nonce, secret, _WRAP_TAG + person.encode())

    def _unwrap(self, person: str, wrapped: bytes) -> PersonKey:
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return PersonKey(AESGCM(self._master).decrypt(nonce, sealed, _WRAP_TAG + person.encode()))
        except (InvalidTag, ValueError):
            raise VaultKeysUnsafe(f"{self._file(person)} is damaged or of another master key") from None

    def _erased_persons(self) -> frozenset[str]:
        return frozenset(self._erased.read_text(encoding="ascii", errors="replace").splitlines())

    def _refuse_erased(self, person: str) -> None:
        if person in self._erased_persons():
            raise PersonErased(person)

    def _apply_erasures(self) -> None:
        with self._erased_locked(fcntl.LOCK_EX):
            for person in self._erased_persons():
                if _PERSON.fullmatch(person):
                    _unlink(self._file(person))

    @contextmanager
    def _erased_locked(self, how: int) -> Iterator[int]:
        record = os.open(self._erased, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(record, how)
            yield record
        finally:
            os.close(record)


def _open_master(file: Path, *, fresh: bool) -> bytes:
    if fresh:
        make_once(file, secrets.token_bytes(KEY_BYTES))
    if not file.exists():
        raise VaultKeysUnsafe(f"{file} is missing, but keys that it wrapped are here; restore it")
    if file.stat().st_mode & 0o077:
        raise VaultKeysUnsafe(f"{file} is open to others; its mode must be 0600")
    master = file.read_bytes()
    if len(master) != KEY_BYTES:
        raise VaultKeysUnsafe(f"{file} must have {KEY_BYTES} bytes")
    return master


def _append_line(record: int, line: str) -> None:
    """Add one durable line; a line that a crash cut off before is closed first, so that ours stands alone."""
    size = os.fstat(record).st_size
    whole = size == 0 or os.pread(record, 1, size - 1) == b"\n"
    text = f"{'' if whole else chr(10)}{line}\n".encode("ascii")
    if os.write(record, text) != len(text):
        raise OSError("the list of the erased could not be written whole")
    os.fsync(record)


def _unlink(file: Path) -> None:
    with suppress(FileNotFoundError):
        file.unlink()
        sync_folder(file.parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.parent)
