"""The signer's own configuration file: where its things lie, and its policy. Nobody but its owner may change it.

    [signer]
    folder = "signer"                       keystore.json, memory.log, memory.head; mode 0700
    socket = "run/signer.sock"
    passphrase_file = "signer/passphrase"   or passphrase_descriptor = 3
    dev = false                             true makes passphrase, seed and two operators at the first start
    operators_needed = 2                    so many of these decide together

    [signer.operators]                      enrolled at the first start, and for good: see `admit`
    ann = "…"                               an Ed25519 public key of 64 hexadecimal digits
    ben = "…"

    [policy]
    version = 1                             higher with each change; from here on all is signed: see `signed_policy`

    [breaker]
    withdrawals_hour_max = 500              more withdrawals within an hour, of all assets together, stop everything

    [networks.ethereum]                     see `policy`

Relative paths start at the file's own folder.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec

from chains.signer.judging.policy import Policy, PolicyMalformed, read_policy
from chains.signer.people.operators import NEEDED_MIN
from chains.signer.people.signed_policy import policy_digest
from chains.signer.serving.wire import check_socket_path

_CHANGED_BY_OTHERS = 0o022


class SettingsRefused(Exception):
    """The configuration cannot be used. The message names the file and the place."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the signer reads from its own file: where it lives, how it is unlocked, and what it may sign. `operators` are read
    at the first start only."""

    folder: Path
    socket: Path
    passphrase_file: Path | None
    passphrase_descriptor: int | None
    dev: bool
    policy: Policy
    file: Path = Path("signer.toml")
    policy_version: int = 1
    policy_digest: str = policy_digest(1, {}, {})
    withdrawals_hour_max: int | None = None
    operators: Mapping[str, str] = field(default_factory=dict)
    operators_needed: int = NEEDED_MIN

    @property
    def keystore(self) -> Path:
        return self.folder / "keystore.json"

    @property
    def memory(self) -> Path:
        return self.folder / "memory.log"

    @property
    def ceremonies(self) -> Path:
        return self.folder / "ceremonies.log"

    @property
    def head(self) -> Path:
        return self.folder / "memory.head"


class _Signer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    folder: str
    socket: str
    passphrase_file: str | None = None
    passphrase_descriptor: int | None = None
    dev: bool = False
    operators: dict[str, str] = {}
    operators_needed: int = NEEDED_MIN


class _Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=1)] = 1


class _Breaker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    withdrawals_hour_max: Annotated[int, msgspec.Meta(ge=1)] | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signer: _Signer
    networks: dict[str, dict[str, object]]
    policy: _Policy = _Policy()
    breaker: _Breaker = _Breaker()


def read_settings(file: Path) -> Settings:
    """Raises `SettingsRefused`; unknown keys are errors."""
    try:
        return _settings(file, msgspec.convert(tomllib.loads(_read(file)), type=_File))
    except (ValueError, PolicyMalformed) as reason:
        raise SettingsRefused(f"{file}: {reason}") from None
    except OSError as failure:
        raise SettingsRefused(f"{file}: {failure.strerror}") from None


def _read(file: Path) -> str:
    status = file.stat()
    if status.st_mode & _CHANGED_BY_OTHERS or status.st_uid not in {os.geteuid(), 0}:
        raise ValueError("others could change the policy; it must be ours and writable by nobody else (mode 0600)")
    return file.read_text(encoding="utf-8")


def _settings(file: Path, written: _File) -> Settings:
    signer, start = written.signer, file.absolute().parent
    if (signer.passphrase_file is None) == (signer.passphrase_descriptor is None):
        raise ValueError("signer: name passphrase_file or passphrase_descriptor, one of them")
    if signer.dev and signer.passphrase_file is None:
        raise ValueError("signer: dev makes a passphrase file, so passphrase_file must be named")
    return Settings(
        folder=start / signer.folder,
        socket=check_socket_path(start / signer.socket),
        passphrase_file=None if signer.passphrase_file is None else start / signer.passphrase_file,
        passphrase_descriptor=signer.passphrase_descriptor,
        dev=signer.dev,
        policy=read_policy(written.networks),
        file=file,
        policy_version=written.policy.version,
        policy_digest=policy_digest(written.policy.version, written.networks, msgspec.to_builtins(written.breaker)),
        withdrawals_hour_max=written.breaker.withdrawals_hour_max,
        operators=signer.operators,
        operators_needed=signer.operators_needed,
    )
