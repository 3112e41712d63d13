"""Which operator acts on the command line: who has the database's machine is not yet one of two people.

Acts under four eyes are put on record under the operator whose API key `COFFER_OPERATOR_KEY` names, the same key as over the
API. A signature that the signer checks comes from a file that the operator keeps elsewhere.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wallet.access.keys import Principal, Scope, authenticate
from wallet.context import Context
from wallet.durable import create
from wallet.errors import NotAllowed
from wallet.proposals.approve import ActSignature

VARIABLE = "COFFER_OPERATOR_KEY"
SEED_BYTES = 32
_OTHERS = 0o077


async def acting_operator(context: Context, environment: Mapping[str, str] = os.environ) -> Principal:
    """Raises `NotAllowed`."""
    secret = environment.get(VARIABLE)
    if secret is None:
        raise NotAllowed(
            f"set {VARIABLE} to your operator's API key: two people act here, and it says which one you are"
        )
    principal = await authenticate(context, secret)
    if principal is None or not principal.is_operator or Scope.OPERATE not in principal.scopes:
        raise NotAllowed(f"{VARIABLE} is no operator's API key with the scope operate")
    return principal


def make_approval_key(file: Path) -> str:
    """A new key in a file of its own, mode 0600; its public half in hex. Raises `FileExistsError`: none is replaced."""
    create(file, Ed25519PrivateKey.generate().private_bytes_raw())
    return _read(file).public_key().public_bytes_raw().hex()


def sign_digest(file: Path, digest: str) -> ActSignature:
    """Raises `NotAllowed` for a file that others may read, or that is no key."""
    key = _read(file)
    return ActSignature(key.public_key().public_bytes_raw().hex(), key.sign(bytes.fromhex(digest)).hex())


def _read(file: Path) -> Ed25519PrivateKey:
    if not file.is_file() or file.stat().st_mode & _OTHERS:
        raise NotAllowed(f"{file} is no file that its owner alone may read (mode 0600)")
    seed = file.read_bytes()
    if len(seed) != SEED_BYTES:
        raise NotAllowed(f"{file} holds no approval key: make one with `coffer operator approval-key`")
    return Ed25519PrivateKey.from_private_bytes(seed)
