"""What the start admits: the operators that were enrolled, and the policy that they have signed.

The first start enrols those whom the configuration names; from then on the list is sealed beside the keystore, its digest
stands in the memory, and only the enrolled change it. In dev mode the signer makes two operators of its own and signs for
them; a signer that was made so never starts as another, nor the other way round.
"""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.signer.files import make_private_folder, read_private
from chains.signer.keys.keys import Keys
from chains.signer.memory.controls import Enrolled, PolicyTaken
from chains.signer.memory.memory import Memory
from chains.signer.people.operators import (
    NEEDED_MIN,
    Operators,
    OperatorsRefused,
    enrol,
    read_operators,
    write_operators,
)
from chains.signer.people.signed_policy import read_signatures, refuse_older, refuse_unsigned, sign_policy
from chains.signer.settings import Settings
from wallet import durable

_SEED_BYTES = 32
_DEV_NAMES = ("dev-1", "dev-2")


def admit(settings: Settings, keys: Keys, memory: Memory, now: Callable[[], int]) -> Operators:
    """The operators who count. Raises `OperatorsRefused`, `PolicyRefused`, and `MemoryUnfit` when the disk fails."""
    operators = _enrolled(settings, keys, memory, now)
    _take_policy(settings, operators, memory, now)
    memory.sync()
    return operators


def keep_operators(settings_folder: Path, keys: Keys, memory: Memory, operators: Operators, record: Enrolled) -> None:
    """A new list, so that after a crash in between the memory and one of the two files still agree."""
    write_operators(_next(settings_folder), operators, keys.operators_key())
    memory.stage_control(record)
    memory.sync()
    write_operators(_file(settings_folder), operators, keys.operators_key())
    _next(settings_folder).unlink()


def forget_operators(settings_folder: Path) -> None:
    """Lists that a lost seed had sealed: no other opens them."""
    for file in (_file(settings_folder), _next(settings_folder)):
        file.unlink(missing_ok=True)


def _enrolled(settings: Settings, keys: Keys, memory: Memory, now: Callable[[], int]) -> Operators:
    recorded = memory.controls.enrolled
    operators = _read(settings, keys, recorded)
    if operators is None:
        operators = _first(settings)
        write_operators(_file(settings.folder), operators, keys.operators_key())
    if operators.dev != settings.dev:
        raise OperatorsRefused("this signer was made with another `dev` than its file now says; it never changes")
    if recorded is None:
        memory.stage_control(Enrolled(memory.time(now()), operators.version, operators.digest, ()))
    return operators


def _read(settings: Settings, keys: Keys, recorded: Enrolled | None) -> Operators | None:
    """The sealed list that the memory knows, or any sealed one where it knows none yet."""
    key = keys.operators_key()
    found = [read_operators(file, key) for file in (_file(settings.folder), _next(settings.folder))]
    if recorded is None:
        return found[0]
    known = [one for one in found if one is not None and one.digest == recorded.digest]
    if not known:
        raise OperatorsRefused(
            f"{_file(settings.folder)} is not the list of operators, version {recorded.version}, that the memory knows"
        )
    return known[0]


def _first(settings: Settings) -> Operators:
    if settings.dev:
        made = {name: _dev_key(settings.folder, name).public_key().public_bytes_raw().hex() for name in _DEV_NAMES}
        return enrol(1, made, NEEDED_MIN, dev=True)
    if not settings.operators:
        raise OperatorsRefused(
            f"nobody is enrolled: name at least {NEEDED_MIN} operators' public keys under [signer.operators]; the first "
            "start enrols them for good (make a key with `coffer operator approval-key FILE`)"
        )
    return enrol(1, settings.operators, settings.operators_needed)


def _take_policy(settings: Settings, operators: Operators, memory: Memory, now: Callable[[], int]) -> None:
    taken = memory.controls.policy
    version = settings.policy_version
    if settings.dev:
        signatures = [sign_policy(settings.policy_digest, _dev_key(settings.folder, name)) for name in _DEV_NAMES]
        version = _dev_version(settings, taken)
    else:
        signatures = list(read_signatures(settings.file, settings.policy_digest))
    refuse_unsigned(settings.policy_digest, signatures, operators, settings.file)
    refuse_older(version, settings.policy_digest, taken)
    if taken is None or version > taken.version:
        memory.stage_control(PolicyTaken(memory.time(now()), version, settings.policy_digest))


def _dev_version(settings: Settings, taken: PolicyTaken | None) -> int:
    """Nobody counts versions while developing."""
    if taken is None:
        return settings.policy_version
    return taken.version if taken.digest == settings.policy_digest else taken.version + 1


def _dev_key(folder: Path, name: str) -> Ed25519PrivateKey:
    file = folder / "operators" / f"{name}.key"
    make_private_folder(file.parent)
    durable.make_once(file, Ed25519PrivateKey.generate().private_bytes_raw())
    return Ed25519PrivateKey.from_private_bytes(read_private(file, bytes_max=_SEED_BYTES))


def _file(folder: Path) -> Path:
    return folder / "operators.json"


def _next(folder: Path) -> Path:
    return folder / "operators.next.json"
