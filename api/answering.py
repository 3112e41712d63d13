"""What happens to every request: an id, one line in the log; and what becomes of exceptions."""

import json
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from api.dispatch import ASKER
from api.errors import MEDIA_TYPE, Problem, problem_of
from api.headers import REQUEST_ID
from api.request_lines import Line, RequestLines
from wallet.ids import IdSource

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = structlog.get_logger("api")


def observing(new_id: IdSource, lines: RequestLines) -> Middleware:
    """The outermost step: gives the request its id and writes one line when it is answered."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = new_id("req")
        started = time.perf_counter_ns()
        status = 0  # stays so when the client is gone before there is an answer
        try:
            response = await _answered(request, handler)
            status = response.status
        finally:
            elapsed_us = (time.perf_counter_ns() - started) // 1_000
            lines.add(_line(request, status, elapsed_us))
        return response

    return observe


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _render(_of_aiohttp(error))
    except Exception as error:  # noqa: BLE001 (the one place where every mistake of ours becomes an answer)
        problem = problem_of(error)
        if problem is None:
            _log.error("request_failed", request=request[REQUEST_ID], error=type(error).__name__, at=_places(error))
            problem = Problem("internal_error", members={"request_id": request[REQUEST_ID]})
        elif problem.status >= 500:
            _log.warning(
                "request_not_served", request=request[REQUEST_ID], code=problem.code, error=type(error).__name__
            )
        return _render(problem)


def _of_aiohttp(error: web.HTTPException) -> Problem:
    match error.status:
        case 404:
            return Problem("not_found", "there is nothing at this path")
        case 405:
            return Problem("method_not_allowed", headers={"Allow": error.headers.get("Allow", "")})
        case 413:
            return Problem("body_too_large")
        case _:
            return Problem("invalid_request")


def _render(problem: Problem) -> web.Response:
    body = json.dumps(problem.content(), ensure_ascii=False)
    return web.Response(text=body, status=problem.status, headers=problem.headers, content_type=MEDIA_TYPE)


def _places(error: BaseException) -> list[str]:
    """Where it happened, innermost last; code only, no values."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames][-12:]


def _line(request: web.Request, status: int, elapsed_us: int) -> Line:
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else None
    key = request.get(ASKER)
    return Line(request[REQUEST_ID], request.method, route, status, elapsed_us, key, datetime.now(UTC))
