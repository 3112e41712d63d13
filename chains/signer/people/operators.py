"""Who may lift a stop, sign a policy, or name their successors: Ed25519 keys of operators, kept with the keystore.

What this prevents: one person, or whoever changes a file, taking away what two were asked for. The list is sealed with a key
of the seed; its version stands in the memory's chain, so that neither another list nor an older one is ever believed.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chains.signer.files import read_private
from wallet import durable
from wallet.ports import Approval
from wallet.proposals.digest import is_signed

NEEDED_MIN = 2  # four eyes
ENROLLED_MAX = 64
_FILE_BYTES_MAX = 64 * 1024
_TAG = b"coffer/signer-operators/1"
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class OperatorsRefused(Exception):
    """The list of enrolled operators cannot be used. The message says why."""


class Operators(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`keys` by name, 64 hexadecimal digits each; `needed` of them decide. `dev`: the signer made them for itself."""

    version: int
    needed: int
    keys: dict[str, str]
    dev: bool = False

    @property
    def digest(self) -> str:
        return hashlib.sha256(_TAG + msgspec.json.encode(self, order="deterministic")).hexdigest()

    def signed_by(self, digest: bytes, approvals: Iterable[Approval]) -> tuple[str, ...]:
        """The enrolled who have signed this digest, by name, each once."""
        names = {key: name for name, key in self.keys.items()}
        enrolled = [one for one in approvals if one.key in names]
        return tuple(sorted({names[one.key] for one in enrolled if is_signed(digest, one.key, one.signature)}))


NOBODY = Operators(version=0, needed=NEEDED_MIN, keys={})


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    operators: Operators
    mac: str


def enrol(version: int, keys: Mapping[str, str], needed: int, *, dev: bool = False) -> Operators:
    """A list that makes sense. Raises `OperatorsRefused`."""
    written = {name: key.lower() for name, key in keys.items()}
    if not all(_NAME.fullmatch(name) for name in written) or not all(_KEY.fullmatch(key) for key in written.values()):
        raise OperatorsRefused("an operator has a name, and an Ed25519 key of 64 hexadecimal digits")
    if len(set(written.values())) != len(written) or len(written) > ENROLLED_MAX:
        raise OperatorsRefused(f"at most {ENROLLED_MAX} operators are enrolled, each with a key of their own")
    if not NEEDED_MIN <= needed <= len(written):
        raise OperatorsRefused(f"at least {NEEDED_MIN} operators decide, and as many must be enrolled")
    return Operators(version, needed, written, dev)


def write_operators(file: Path, operators: Operators, key: bytes) -> None:
    durable.replace(file, msgspec.json.format(msgspec.json.encode(_File(operators, _mac(operators, key)))) + b"\n")


def read_operators(file: Path, key: bytes) -> Operators | None:
    """None where there is no file. Raises `OperatorsRefused`, `FileUnsafe`."""
    try:
        written = msgspec.json.decode(read_private(file, bytes_max=_FILE_BYTES_MAX), type=_File)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OperatorsRefused(f"{file} is no list of operators") from None
    if not hmac.compare_digest(written.mac.encode(), _mac(written.operators, key).encode()):
        raise OperatorsRefused(f"{file} was changed, or is another signer's")
    return written.operators


def _mac(operators: Operators, key: bytes) -> str:
    return hmac.new(key, bytes.fromhex(operators.digest), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Gathered:
    """How far an act of people is: who has signed, how many it takes, and whether it was done now."""

    signed: tuple[str, ...]
    needed: int
    done: bool
