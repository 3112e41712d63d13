"""What may not be read as a body. The valid space is small; most of these are the invalid one."""

import contextlib
import json
import time
from pathlib import Path

import pytest

from api.errors import Problem
from api.json_body import DEPTH_MAX, parse_json_object

VECTORS = Path(__file__).parents[2] / "vectors" / "json-must-reject"
REJECTED = sorted(VECTORS.glob("n_*.json"))

MALFORMED = {
    "empty": b"",
    "duplicate key": b'{"amount":"1","amount":"2"}',
    "duplicate key, escaped": b'{"amount":"1","\\u0061mount":"2"}',
    "duplicate key, deep": b'{"a":[{"b":{"c":1,"c":2}}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":-Infinity}',
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-32": '{"a":1}'.encode("utf-32-le"),
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "half a surrogate pair as key": b'{"\\udc00":1}',
    "trailing bytes": b'{"a":1}x',
    "two documents": b'{"a":1}{"a":2}',
    "trailing NUL": b'{"a":1}\x00',
    "no object": b'["a"]',
    "null": b"null",
    "a string": b'"a"',
    "number of 5,000 digits": b'{"a":' + b"9" * 5_000 + b"}",
    "control character in a string": b'{"a":"\x01"}',
    "single quotes": b"{'a':1}",
    "comment": b'{"a":1/**/}',
    "too deep in lists": b'{"a":' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}",
    "too deep in objects": b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1),
    "deep enough for a stack overflow": b"[" * 60_000,
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_body_is_refused_with_one_code(raw: bytes) -> None:
    with pytest.raises(Problem) as refused:
        parse_json_object(raw)
    assert (refused.value.code, refused.value.status) == ("invalid_request", 400)


@pytest.mark.parametrize("file", REJECTED, ids=[file.stem for file in REJECTED])
def test_what_no_json_parser_may_accept_is_refused(file: Path) -> None:
    with pytest.raises(Problem) as refused:
        parse_json_object(file.read_bytes())
    assert refused.value.code == "invalid_request"


def test_the_published_vectors_are_all_there() -> None:
    assert len(REJECTED) == 188


def test_a_refusal_never_repeats_what_was_sent() -> None:
    with pytest.raises(Problem) as refused:
        parse_json_object(b'{"secret-canary": nope}')
    assert "canary" not in json.dumps(refused.value.content())


@pytest.mark.parametrize(
    "raw",
    [b"[" * 65_000, b'"' + b'\\"' * 32_000, b'{"' * 32_000, b"\\" * 65_000, b'{"a":"' + b"[{" * 30_000 + b'"}'],
    ids=["open brackets", "escaped quotes", "open keys", "backslashes", "brackets in a string"],
)
def test_no_body_of_the_allowed_size_takes_long(raw: bytes) -> None:
    started = time.perf_counter()
    with contextlib.suppress(Problem):
        parse_json_object(raw)
    assert time.perf_counter() - started < 2  # one pass takes milliseconds; anything quadratic takes minutes


def test_depth_counts_brackets_and_not_text() -> None:
    assert parse_json_object(b'{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "b":"\\"[{"}')["b"] == '"[{'


def test_a_body_at_the_depth_limit_is_read() -> None:
    lists = DEPTH_MAX - 1
    assert parse_json_object(b'{"a":' + b"[" * lists + b"]" * lists + b"}")
