"""Reading a body: bounded in size, time and depth, and JSON in the strictest sense (RFC 8259, UTF-8, one value).

What this prevents: two readers of one body that see two amounts (duplicate keys), numbers that are none (NaN), text that
cannot be stored (lone surrogates), and a small request that costs much (depth, compression, slow bodies).
"""

import asyncio
import json
import re
from typing import Any, NoReturn

import msgspec
from aiohttp import web

from api.errors import Problem

BYTES_MAX = 64 * 1024
BATCH_BYTES_MAX = 1_000_000  # a thousand items of a thousand bytes
DEPTH_MAX = 32
READ_LIMIT_S = 10  # 64 KiB at 6.4 KB/s, a batch at 100 KB/s: slower lines than that are no API clients
_MARK = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_read_fast = msgspec.json.Decoder(dict[str, Any]).decode


async def read_json_object(request: web.Request, bytes_max: int = BYTES_MAX) -> dict[str, Any]:
    """The body as one JSON object; an empty body is an empty object. Raises `Problem`."""
    raw = await read_bytes(request, bytes_max)
    if not raw:
        return {}
    _check_media_type(request)
    return parse_json_object(raw)


async def read_bytes(request: web.Request, bytes_max: int) -> bytes:
    """Raises `Problem`. What arrives in chunks is bounded while it is read, by the limit of the request itself."""
    if (request.content_length or 0) > bytes_max:
        raise Problem("body_too_large", f"this body has at most {bytes_max} bytes", headers={"Connection": "close"})
    try:
        if request.content.is_eof() and request.content.total_bytes <= bytes_max:
            return request.content.read_nowait()  # it came with its headers, as most do: no timer, no loop
        if bytes_max > BYTES_MAX:
            request = request.clone(client_max_size=bytes_max)
        async with asyncio.timeout(READ_LIMIT_S):
            return await request.read()
    except TimeoutError:
        detail = f"a body arrives within {READ_LIMIT_S} seconds"
        raise Problem("request_timeout", detail, headers={"Connection": "close"}) from None
    except web.RequestPayloadError:
        raise Problem("invalid_request", "the body ended early", headers={"Connection": "close"}) from None


def _check_media_type(request: web.Request) -> None:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem("unsupported_media_type", "a body is not compressed")
    if request.headers.get("Content-Type") == "application/json":
        return
    charset = (request.charset or "utf-8").lower()
    if request.content_type != "application/json" or charset not in ("utf-8", "utf8"):
        raise Problem("unsupported_media_type", "a body is application/json in UTF-8")


def parse_json_object(raw: bytes) -> dict[str, Any]:
    """Raises `Problem` without repeating what was sent."""
    value = _plain_object(raw)
    return _strict_object(raw) if value is None else value


def _plain_object(raw: bytes) -> dict[str, Any] | None:
    """The object, if it can be read fast and is beyond doubt: without escapes each text in it, keys included, has two quotes,
    so that a key that stands twice leaves quotes over. None for what has to be looked at closely."""
    if b"\\" in raw:
        return None
    try:
        value = _read_fast(raw)
        return value if raw.count(b'"') == 2 * _texts(value, DEPTH_MAX) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _texts(value: object, levels: int) -> int:
    """How many texts are in it. Raises `RecursionError` for what has more levels."""
    if isinstance(value, str):
        return 1
    if not isinstance(value, dict | list):
        return 0
    if levels == 0:
        raise RecursionError
    if isinstance(value, list):
        return sum([_texts(one, levels - 1) for one in value])
    return len(value) + sum([_texts(one, levels - 1) for one in value.values()])


def _strict_object(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("the body is not UTF-8") from None
    if _depth(text) > DEPTH_MAX:
        raise _malformed(f"the body is nested deeper than {DEPTH_MAX} levels")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _malformed("the body has half of a surrogate pair") from None
    except ValueError:  # malformed, trailing bytes, a byte order mark, a number of thousands of digits
        raise _malformed("the body is not one well-formed JSON value") from None
    if not isinstance(value, dict):
        raise _malformed("the body is not a JSON object")
    return value


def _malformed(detail: str) -> Problem:
    return Problem("invalid_request", detail)


def _depth(text: str) -> int:
    """How deep brackets nest, in one pass: what the JSON parser would find out by recursion."""
    deepest, depth, in_string = 0, 0, False
    for mark in _MARK.findall(text):
        if mark == '"':
            in_string = not in_string
        elif not in_string and mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif not in_string and mark in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _malformed("a key stands twice in one object")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise _malformed("NaN and Infinity are not JSON")
