"""What happens to every request around its endpoint: admit, read, validate, answer. In this order, so that a stranger
learns nothing about what would have been valid."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from multidict import MultiMapping
from pydantic import ValidationError

from api.auth import admit, look_again
from api.errors import Problem
from api.headers import PlainAnswer
from api.idempotency import read_key
from api.json_body import read_json_object
from api.receipted import receipt_of
from api.routes import PATH_PATTERNS, Answer, Call, File, Route
from api.schema import Closed, Nothing
from api.settings import ApiSettings
from api.streaming import Stream, attachment, send_stream
from wallet.access.keys import Principal
from wallet.context import Context
from wallet.errors import Refusal, Stale
from wallet.vault.items import PersonErased

ASKER = web.RequestKey("asker", str)  # the API key's id, for the access log
FIELD_MAX = 100  # characters of a field's name that an answer repeats: it may be the client's own invention
# What tells something, and may come from before the Journal looked at the key, or from an earlier request. Faults tell nothing.
_JUDGEMENTS = (Problem, Refusal, Stale, PersonErased)
_NOTHING = Nothing()
Model = TypeVar("Model", bound=Closed)


def path_pattern(path: str) -> str:
    """The route's path with what each name in it must look like, as aiohttp wants it."""
    for name, pattern in PATH_PATTERNS.items():
        path = path.replace(f"{{{name}}}", f"{{{name}:{pattern}}}")
    return path


def serve(
    route: Route, context: Context, settings: ApiSettings, stopping: asyncio.Event
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of an endpoint."""

    async def handle(request: web.Request) -> web.StreamResponse:
        principal = await admit(request, context, route.access)
        if principal is not None:
            request[ASKER] = principal.key
        if not route.access.judged:
            answer = await answered(request, principal)
            if isinstance(answer.content, Stream):
                asker = principal.owner if principal is not None else ""
                return await send_stream(request, answer.content, asker, stopping)
            return await _response(context, answer)
        try:
            answer = await answered(request, principal)
        except _JUDGEMENTS:
            await look_again(request, context)
            raise
        if answer.replayed:
            await look_again(request, context)
        return await _response(context, answer)

    async def answered(request: web.Request, principal: Principal | None) -> Answer:
        call: Call[Any, Any] = Call(
            context=context,
            settings=settings,
            stopping=stopping,
            asker=principal,
            query=_validated(route.query, _flat(request.query) if "?" in request.raw_path else {}),
            key=read_key(request, route.idempotency),
            body=_validated(
                route.body, await read_json_object(request, route.bytes_max) if request.can_read_body else {}
            ),
            path=dict(request.match_info),
        )
        return await route.handle(call)

    return handle


def _flat(query: MultiMapping[str]) -> dict[str, str]:
    """Each parameter once: the second of two would be read by some and not by others."""
    for name in query:
        if len(query.getall(name)) > 1:
            raise Problem("invalid_request", "this query parameter was sent twice", blame=name[:FIELD_MAX])
    return dict(query)


def _validated(model: type[Model], sent: dict[str, Any]) -> Model | Nothing:
    if model is Nothing and not sent:
        return _NOTHING
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> Problem:
    """The first thing that is wrong, without the value that was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:FIELD_MAX]
    told = {
        "missing": "this is required",
        "extra_forbidden": "this is not known here",
        "enum": "this is none of the values that there are",  # they stand in the reference; some lists are of a hundred
    }
    return Problem("invalid_request", told.get(first["type"], first["msg"].removeprefix("Value error, ")), blame=place)


async def _response(context: Context, answer: Answer) -> web.StreamResponse:
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    if answer.location is not None:
        headers["Location"] = answer.location
    content = answer.content
    if isinstance(content, File):
        headers |= attachment(content.name)
        return web.Response(body=content.content, content_type=content.content_type, headers=headers)
    assert not isinstance(content, Stream), "what the Journal judges is not answered in parts"
    text = content.model_dump_json(exclude=None if answer.done is None else {"receipt"})
    if answer.done is not None:
        receipt = await receipt_of(context, answer.done)
        text = f'{text[:-1]},"receipt":{receipt}}}'
    return PlainAnswer(text.encode(), answer.status, headers)
