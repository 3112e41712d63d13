"""How a request ended, by which its retries are answered."""

from dataclasses import replace

import msgspec

from wallet.errors import KeyReused, Refusal, RememberedRefusal
from wallet.journal.change import Committed, Request

RequestKey = tuple[str, str, str]


class Remembered(msgspec.Struct, frozen=True):
    """Accepted, with its place in the journal, which holds the result; or refused, word for word."""

    digest: bytes
    answer: Committed | RememberedRefusal


def request_key(request: Request) -> RequestKey:
    return (request.owner, request.operation, request.key)


def replay(request: Request, earlier: Remembered) -> Committed | Refusal:
    """The remembered answer; another meaning under the same key is refused and not stored."""
    if earlier.digest != request.digest:
        return KeyReused()
    answer = earlier.answer
    return replace(answer, replayed=True) if isinstance(answer, Committed) else answer


def remembered_refusal(refusal: Refusal) -> RememberedRefusal:
    return RememberedRefusal(refusal.stable_code, refusal.message, refusal.detail)
