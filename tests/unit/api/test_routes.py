from typing import cast

import pytest
from aiohttp import web
from multidict import CIMultiDict

from api.app import UndeclaredRoute, refuse_undeclared
from api.endpoints import ROUTES
from api.idempotency import KEY_MAX, personal, read_key
from api.routes import ANY_KEY, PUBLIC, Answer, Call, Idempotency, route
from api.schema import Nothing
from api.settings import ApiSettings
from api.v1.health import HealthView

SETTINGS = ApiSettings(cursor_key=b"c" * 32, digest_key=b"d" * 32, version="0", mode="dev")


async def unguarded(_request: web.Request) -> web.Response:
    return web.Response()


def test_a_route_that_declares_nothing_stops_the_start() -> None:
    app = web.Application()
    app.router.add_get("/v1/back-door", unguarded)
    with pytest.raises(UndeclaredRoute, match="/v1/back-door"):
        refuse_undeclared(app, ROUTES, frozenset())


def test_another_method_on_a_declared_path_stops_it_too() -> None:
    app = web.Application()
    app.router.add_put("/v1/payments", unguarded)
    with pytest.raises(UndeclaredRoute, match="PUT /v1/payments"):
        refuse_undeclared(app, ROUTES, frozenset())


def test_what_anybody_may_reach_is_a_short_list() -> None:
    public = {declared.path for declared in ROUTES if declared.access == PUBLIC}
    assert public == {"/health", "/ready", "/v1/node", "/v1/source", "/problems/{code}"}
    any_key = {declared.path for declared in ROUTES if declared.access == ANY_KEY}
    assert any_key == {"/v1/me", "/v1/networks", "/v1/assets", "/v1/withdrawals/states"}


def test_an_endpoint_without_a_summary_is_refused() -> None:
    async def silent(call: Call[Nothing, Nothing]) -> Answer:
        raise NotImplementedError

    with pytest.raises(ValueError, match="no summary"):
        route("GET", "/x", access=PUBLIC, answer=HealthView)(silent)


class _Request:
    """As much of a request as the header is read from."""

    def __init__(self, *keys: str) -> None:
        self.headers = CIMultiDict([("idempotency-key", key) for key in keys])


def key_of(wanted: Idempotency, *keys: str) -> str | None:
    return read_key(cast("web.Request", _Request(*keys)), wanted)


@pytest.mark.parametrize("key", ["a", "order 1", "x" * KEY_MAX, "~!{}"])
def test_printable_keys_are_taken_as_they_are(key: str) -> None:
    assert key_of(Idempotency.REQUIRED, key) == key


@pytest.mark.parametrize("key", ["", " ", " a", "a ", "x" * (KEY_MAX + 1), "ä", "a\tb", "a\x00", "\u200b"])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(Exception, match="invalid_request"):
        key_of(Idempotency.REQUIRED, key)


def test_two_keys_are_refused_and_a_missing_one_is_asked_for() -> None:
    with pytest.raises(Exception, match="invalid_request"):
        key_of(Idempotency.ACCEPTED, "a", "a")
    with pytest.raises(Exception, match="idempotency_key_required"):
        key_of(Idempotency.REQUIRED)
    assert key_of(Idempotency.ACCEPTED) is None


def test_personal_data_enters_a_digest_as_a_mark_that_needs_the_key_to_guess() -> None:
    mark = personal(SETTINGS, "DE89370400440532013000")
    assert mark == personal(SETTINGS, "DE89370400440532013000")
    assert mark != personal(SETTINGS, "DE89370400440532013001")
    assert mark is not None
    assert "DE89" not in mark
    assert personal(SETTINGS, None) is None
