"""The policy is what enrolled operators have signed: `[networks]`, `[breaker]` and the version of `[policy]`, nothing else.

What this prevents: whoever can write the signer's file, or bring back an old one, raising its limits. What is signed is the
meaning (canonical JSON), so comments and order are free. Signatures lie beside the file, in FILE.signatures.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.signer.memory.controls import PolicyTaken
from chains.signer.people.operators import Operators
from wallet import durable
from wallet.ports import Approval
from wallet.proposals.digest import is_signed

_TAG = b"coffer/signer-policy/1"
_FILE_BYTES_MAX = 64 * 1024


class PolicyRefused(Exception):
    """The policy is not signed, or is older than one that was in force. The message says what to do."""


class _Signatures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`digest` is what they are over, to tell a policy that was changed since from one that nobody signed."""

    digest: str
    signatures: tuple[Approval, ...]


def policy_digest(version: int, networks: Mapping[str, object], breaker: Mapping[str, object]) -> str:
    """In hex. Names every figure of the policy, and its version."""
    content = {"version": version, "networks": networks, "breaker": breaker}
    return hashlib.sha256(_TAG + msgspec.json.encode(content, order="deterministic")).hexdigest()


def signatures_file(config: Path) -> Path:
    return config.with_name(f"{config.name}.signatures")


def read_signatures(config: Path, digest: str) -> tuple[Approval, ...]:
    """Those over this digest. Raises `PolicyRefused` where what was signed is another."""
    written = _read(config)
    if written is None:
        return ()
    if written.digest != digest:
        raise PolicyRefused(
            f"the policy in {config} was changed after it was signed: let operators look at it and sign it again "
            f"(coffer signer policy sign {config} --key KEY)"
        )
    return written.signatures


def add_signature(config: Path, digest: str, approval: Approval) -> int:
    """Put it beside those over the same digest; signatures of another policy are dropped. How many there are then."""
    written = _read(config)
    others = () if written is None or written.digest != digest else written.signatures
    kept = (*(one for one in others if one.key != approval.key), approval)
    content = msgspec.json.format(msgspec.json.encode(_Signatures(digest, kept)), indent=2)
    durable.replace(signatures_file(config), content + b"\n")
    return len(kept)


def sign_policy(digest: str, key: Ed25519PrivateKey) -> Approval:
    return Approval(key.public_key().public_bytes_raw().hex(), key.sign(bytes.fromhex(digest)).hex())


def signers(digest: str, approvals: Sequence[Approval]) -> list[str]:
    """The keys whose signature over this policy is good, whoever they belong to."""
    return [one.key for one in approvals if is_signed(bytes.fromhex(digest), one.key, one.signature)]


def refuse_unsigned(digest: str, approvals: Sequence[Approval], operators: Operators, config: Path) -> None:
    """Raises `PolicyRefused` unless enough of the enrolled have signed it."""
    signed = operators.signed_by(bytes.fromhex(digest), approvals)
    if len(signed) < operators.needed:
        who = ", ".join(signed) or "nobody"
        raise PolicyRefused(
            f"the policy in {config} is signed by {who} of the enrolled, and takes {operators.needed}: "
            f"coffer signer policy sign {config} --key KEY"
        )


def refuse_older(version: int, digest: str, taken: PolicyTaken | None) -> None:
    """Raises `PolicyRefused` for a version below the one in force, or another policy under its number."""
    if taken is None:
        return
    if version < taken.version:
        raise PolicyRefused(f"policy version {version} is older than {taken.version}, which was in force")
    if version == taken.version and digest != taken.digest:
        raise PolicyRefused(f"this is another policy than version {version} that was in force: raise [policy] version")


def _read(config: Path) -> _Signatures | None:
    file = signatures_file(config)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    try:
        if len(content) > _FILE_BYTES_MAX:
            raise PolicyRefused(f"{file} is larger than {_FILE_BYTES_MAX} bytes")
        return msgspec.json.decode(content, type=_Signatures)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PolicyRefused(f"{file} holds no signatures of a policy") from None
