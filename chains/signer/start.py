"""From files to a signer: make a new seed once, or unlock the one that is there and prove its memory.

What this prevents: a second seed over a first one, and a signer that signs with a memory that is not the whole truth.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from chains.signer.admit import admit, forget_operators, keep_operators
from chains.signer.files import make_private_folder
from chains.signer.keys.keys import Keys
from chains.signer.keys.keystore import KeystoreRefused, Unlocked, create_keystore, new_unlocked, open_keystore
from chains.signer.keys.passphrase import create_passphrase_file, read_passphrase_descriptor, read_passphrase_file
from chains.signer.local import LocalSigner, LockedSigner, Now, system_now
from chains.signer.memory.memory import Memory, MemoryUnfit, create_memory, is_unused
from chains.signer.settings import Settings


def open_signer(settings: Settings, now: Now = system_now) -> LocalSigner | LockedSigner:
    """The signer that these settings describe; locked if its memory is missing, damaged, another's or an old copy.

    Raises `KeystoreRefused`, `PassphraseRefused`, `FileUnsafe`, `OperatorsRefused`, `PolicyRefused` for a policy that is not
    signed or is older than one that was in force, and `MemoryBusy` when another signer runs on this memory.
    """
    make_private_folder(settings.folder)
    passphrase = _passphrase(settings)
    if settings.dev:
        _create_missing(settings, passphrase)
    unlocked = open_keystore(settings.keystore, passphrase)
    keys = Keys(unlocked.entropy, unlocked.words_passphrase)
    try:
        memory = Memory(settings.memory, settings.head, memory_id=unlocked.memory_id, key=keys.memory_key())
        with ExitStack() as undo:
            undo.callback(memory.close)
            operators = admit(settings, keys, memory, now)
            undo.pop_all()
    except MemoryUnfit as reason:
        return LockedSigner(keys, settings.policy, str(reason))
    signer = LocalSigner(
        keys, settings.policy, memory, now, operators=operators, withdrawals_hour_max=settings.withdrawals_hour_max
    )
    signer.desk.keep = partial(keep_operators, settings.folder, keys, memory)
    return signer


def create_signer(settings: Settings, unlocked: Unlocked | None = None) -> None:
    """Make seed (or take this one) and memory. Raises `KeystoreRefused` where there is a keystore, or a memory of signatures
    without one."""
    make_private_folder(settings.folder)
    passphrase = _passphrase(settings)
    with _folder_locked(settings.folder):
        _create(settings, passphrase, unlocked)


def restore_keystore(settings: Settings, unlocked: Unlocked) -> None:
    """A keystore for a seed whose memory is lost: the signer starts locked with it. Raises `KeystoreRefused`."""
    make_private_folder(settings.folder)
    passphrase = _passphrase(settings)
    with _folder_locked(settings.folder):
        if settings.memory.exists():
            raise KeystoreRefused(f"{settings.memory} belongs to another keystore; restore into an empty folder")
        create_keystore(settings.keystore, unlocked, passphrase)


def begin_memory(settings: Settings) -> None:
    """An empty memory for a keystore that has none. Raises `KeystoreRefused` where there is one, whatever it holds."""
    unlocked = unlock(settings)
    with _folder_locked(settings.folder):
        if settings.memory.exists():
            raise KeystoreRefused(f"{settings.memory} is there; a memory is never replaced")
        settings.head.unlink(missing_ok=True)
        key = Keys(unlocked.entropy, unlocked.words_passphrase).memory_key()
        create_memory(settings.memory, settings.head, memory_id=unlocked.memory_id, key=key)


def unlock(settings: Settings) -> Unlocked:
    """The seed itself, for a ceremony. Raises `KeystoreRefused`, `PassphraseRefused`, `FileUnsafe`."""
    return open_keystore(settings.keystore, _passphrase(settings))


def _create_missing(settings: Settings, passphrase: bytes) -> None:
    with _folder_locked(settings.folder):
        if not settings.keystore.exists():
            _create(settings, passphrase, None)


def _create(settings: Settings, passphrase: bytes, given: Unlocked | None) -> None:
    """The keystore comes last: until it is there, all of it can be done again."""
    if settings.keystore.exists():
        raise KeystoreRefused(f"{settings.keystore} exists; a keystore is never replaced")
    _clear_unused_memory(settings)
    unlocked = given or new_unlocked()
    key = Keys(unlocked.entropy, unlocked.words_passphrase).memory_key()
    create_memory(settings.memory, settings.head, memory_id=unlocked.memory_id, key=key)
    create_keystore(settings.keystore, unlocked, passphrase)


def _clear_unused_memory(settings: Settings) -> None:
    """What an interrupted creation left may go; a memory of signatures never."""
    if settings.memory.exists() and not is_unused(settings.memory):
        raise KeystoreRefused(f"{settings.memory} remembers signatures of a lost keystore; restore that keystore")
    settings.memory.unlink(missing_ok=True)
    settings.head.unlink(missing_ok=True)
    forget_operators(settings.folder)


def _passphrase(settings: Settings) -> bytes:
    if settings.passphrase_descriptor is not None:
        return read_passphrase_descriptor(settings.passphrase_descriptor)
    assert settings.passphrase_file is not None, "settings name one of the two"
    if settings.dev:
        make_private_folder(settings.passphrase_file.parent)
        create_passphrase_file(settings.passphrase_file)
    return read_passphrase_file(settings.passphrase_file)


@contextmanager
def _folder_locked(folder: Path) -> Iterator[None]:
    """One creation at a time."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
