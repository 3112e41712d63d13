"""The application: every declared endpoint, and nothing else."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from api.answering import observing
from api.dispatch import path_pattern, serve
from api.endpoints import ROUTES
from api.headers import add_safe_headers
from api.json_body import BYTES_MAX
from api.openapi import describe
from api.request_lines import RequestLines
from api.routes import Route
from api.settings import ApiSettings
from api.streaming import OPEN_STREAMS
from api.web.routes import add_page
from wallet.context import Context


def make_app(context: Context, settings: ApiSettings, routes: tuple[Route, ...] = ROUTES) -> web.Application:
    """Serve with `api.serve`, whose limits belong to it. Raises `UndeclaredRoute`: an endpoint without a declaration
    must not start."""
    lines = RequestLines()
    app = web.Application(middlewares=[observing(context.new_id, lines)], client_max_size=BYTES_MAX)
    app.on_cleanup.append(lines.close)
    app[OPEN_STREAMS] = Counter()
    app.on_response_prepare.append(add_safe_headers)
    declared = (*routes, describe(routes, settings))
    stopping = asyncio.Event()
    app.on_shutdown.append(_telling(stopping))
    for route in declared:
        app.router.add_route(route.method, path_pattern(route.path), serve(route, context, settings, stopping))
    pages = add_page(app, context, settings, stopping) if settings.page else frozenset()
    refuse_undeclared(app, declared, pages)
    return app


def _telling(stopping: asyncio.Event) -> Callable[[web.Application], Awaitable[None]]:
    """Those who wait for something to happen stop waiting when the node does."""

    async def tell(_app: web.Application) -> None:
        stopping.set()

    return tell


class UndeclaredRoute(Exception):
    """A route that says neither who may use it nor what it takes."""


def refuse_undeclared(app: web.Application, declared: tuple[Route, ...], pages: frozenset[str]) -> None:
    known = {(route.method, route.path) for route in declared}
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if (route.method, path) not in known and path not in pages:
            raise UndeclaredRoute(f"{route.method} {path} does not declare who may use it")
