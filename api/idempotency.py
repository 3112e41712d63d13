"""A retry pays once: the `Idempotency-Key` header, and what a request means.

The key belongs to the owner of the money, never to the API key that carried it. The digest covers the request as parsed,
so spelling does not matter. Personal data enters it keyed, since the digest stays in the journal for ever and a name or
an IBAN could be guessed.
"""

import hashlib
import hmac
import re
from typing import Any

from aiohttp import web

from api.errors import Problem
from api.routes import Call, Idempotency
from api.settings import ApiSettings
from wallet.journal.body import request_digest
from wallet.journal.change import Request

HEADER = "Idempotency-Key"
KEY_MAX = 255
KEY_PATTERN = "^[!-~]([ -~]*[!-~])?$"
_KEY = re.compile(rf"[\x21-\x7e]([\x20-\x7e]{{0,{KEY_MAX - 2}}}[\x21-\x7e])?", re.ASCII)
_PERSONAL_TAG = b"coffer/request-personal/1"


def read_key(request: web.Request, wanted: Idempotency) -> str | None:
    """Raises `Problem` where a key is missing or is none. Where none is used, one that was sent means nothing."""
    if wanted is Idempotency.NONE:
        return None
    sent = request.headers.getall(HEADER, [])
    if not sent and wanted is Idempotency.ACCEPTED:
        return None
    if not sent:
        detail = f"send {HEADER}: a name of your own for this request, the same on every retry"
        raise Problem("idempotency_key_required", detail, blame=HEADER)
    if len(sent) > 1 or not _KEY.fullmatch(sent[0]):
        detail = f"{HEADER} is sent once, with 1 to {KEY_MAX} printable ASCII characters"
        raise Problem("invalid_request", detail, blame=HEADER)
    return sent[0]


def request_of(call: Call[Any, Any], operation: str, meaning: dict[str, object]) -> Request:
    """What the Journal remembers this call by, under a required key."""
    if call.key is None:
        raise AssertionError(f"{operation} requires an {HEADER}")
    return item_request(call, operation, call.key, meaning)


def item_request(call: Call[Any, Any], operation: str, key: str, meaning: dict[str, object]) -> Request:
    """What the Journal remembers one item of a batch by: as if it had come alone, under its own key."""
    principal = call.principal
    return Request(principal.owner, operation, key, request_digest(meaning), (principal.standing,))


def optional_request_of(call: Call[Any, Any], operation: str, meaning: dict[str, object]) -> Request | None:
    return None if call.key is None else request_of(call, operation, meaning)


def personal(settings: ApiSettings, text: str | None) -> str | None:
    """Personal data as a digest may carry it: the same text gives the same mark, and nobody without the key can guess."""
    if text is None:
        return None
    return hmac.new(settings.digest_key, _PERSONAL_TAG + text.encode(), hashlib.sha256).hexdigest()
