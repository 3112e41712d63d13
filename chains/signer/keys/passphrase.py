"""Where the passphrase comes from: a private file, or a descriptor that the starter left open. Never argv, never the
environment: both can be read by others on the machine."""

import os
import secrets
from pathlib import Path

from chains.signer.files import read_private
from wallet import durable

PASSPHRASE_BYTES_MIN = 12
PASSPHRASE_BYTES_MAX = 1024
_DEV_BYTES = 32


class PassphraseRefused(Exception):
    """No usable passphrase. The message never carries it."""


def read_passphrase_file(file: Path) -> bytes:
    """The first line of a 0600 file. Raises `PassphraseRefused`, `FileUnsafe`."""
    try:
        return _judge(read_private(file, bytes_max=PASSPHRASE_BYTES_MAX))
    except FileNotFoundError:
        raise PassphraseRefused(f"the passphrase file {file} is missing") from None


def read_passphrase_descriptor(descriptor: int) -> bytes:
    """Everything that the inherited descriptor holds; it is closed afterwards. Raises `PassphraseRefused`."""
    try:
        with os.fdopen(descriptor, "rb") as source:
            return _judge(source.read(PASSPHRASE_BYTES_MAX + 1))
    except OSError:
        raise PassphraseRefused(f"descriptor {descriptor} holds no passphrase") from None


def create_passphrase_file(file: Path) -> None:
    """A random passphrase for development, beside the keystore that it opens. Leaves one that is there."""
    if not file.exists():
        durable.create(file, secrets.token_hex(_DEV_BYTES).encode() + b"\n")


def _judge(content: bytes) -> bytes:
    passphrase = content.split(b"\n", 1)[0].rstrip(b"\r")
    if not PASSPHRASE_BYTES_MIN <= len(passphrase) <= PASSPHRASE_BYTES_MAX:
        raise PassphraseRefused(f"a passphrase has {PASSPHRASE_BYTES_MIN} to {PASSPHRASE_BYTES_MAX} bytes")
    return passphrase
