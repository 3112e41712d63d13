"""Cursors: where a page ended, sealed so that only the viewer it was given to can use it, for the list it came from.

What this prevents: reading the global sequence (and so everybody's business) off a cursor, and paging from another's place.
AES-SIV (RFC 5297) needs no nonce: the same place gives the same cursor, which clients may compare.
"""

import base64
import binascii
import hashlib
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from api.errors import Problem
from api.settings import ApiSettings

Position = tuple[int | str, ...]
_TAG = b"coffer/cursor/1"
_POSITION_BYTES = 48  # every position is padded to this, so that a cursor's length tells nothing


def seal_text(settings: ApiSettings, purpose: str, viewer: str, clear: bytes) -> str:
    """Sealed for one purpose and one viewer, in characters that need no quoting anywhere."""
    sealed = _cipher(settings).encrypt(clear, [purpose.encode(), viewer.encode()])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def open_text(settings: ApiSettings, purpose: str, viewer: str, sealed: str) -> bytes | None:
    """What was sealed, or None if it was not sealed by us for this purpose and viewer."""
    try:
        raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        return _cipher(settings).decrypt(raw, [purpose.encode(), viewer.encode()])
    except (binascii.Error, ValueError, InvalidTag):
        return None


def seal_cursor(settings: ApiSettings, viewer: str, place: str, position: Position) -> str:
    clear = json.dumps(position, separators=(",", ":")).encode().ljust(_POSITION_BYTES)
    return seal_text(settings, f"cursor:{place}", viewer, clear)


def open_cursor(settings: ApiSettings, viewer: str, place: str, cursor: str) -> Position:
    """Raises `Problem` for a cursor that is forged, another viewer's, or another list's."""
    clear = open_text(settings, f"cursor:{place}", viewer, cursor)
    if clear is None:
        raise Problem("invalid_cursor", "this cursor was not given to you for this list")
    return tuple(json.loads(clear))


def _cipher(settings: ApiSettings) -> AESSIV:
    return AESSIV(hashlib.sha512(_TAG + settings.cursor_key).digest())
