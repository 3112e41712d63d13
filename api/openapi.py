"""The description of the API (OpenAPI 3.1), made of the declarations that guard and validate. It cannot drift."""

import functools
import json
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.errors import MEDIA_TYPE, RULES
from api.idempotency import HEADER, KEY_MAX, KEY_PATTERN
from api.routes import PATH_PATTERNS, PUBLIC, Answer, Call, File, Idempotency, Route, route
from api.schema import Nothing
from api.settings import ApiSettings

DESCRIPTION = """Balances in fiat and crypto, deposits, payments and withdrawals.

Amounts are decimal strings. Every POST that moves money carries an `Idempotency-Key`: a retry with the same key returns
the first answer. Errors are problem details (RFC 9457) with a stable `code`."""

_REF = "#/components/schemas/{model}"
_COMMON = ("invalid_request", "internal_error", "unavailable", "outcome_unknown", "changed_meanwhile")
_GUARDED = ("unauthorized", "scope_missing")
_BODY = ("request_timeout", "body_too_large", "unsupported_media_type")
_PROBLEM: dict[str, object] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/insufficient_funds"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": sorted(RULES)},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "What in the request is wrong."},
    },
    "additionalProperties": {"type": "string"},
}


def describe(routes: tuple[Route, ...], settings: ApiSettings) -> Route:
    """The endpoint that serves the description of `routes`."""

    @route("GET", "/openapi.json", access=PUBLIC, answer="application/json")
    async def show(_call: Call[Nothing, Nothing]) -> Answer:
        """This description"""
        return Answer(File(rendered(), "application/json"))

    @functools.cache
    def rendered() -> bytes:
        return json.dumps(document((*routes, show), settings.version)).encode()

    return show


def document(routes: tuple[Route, ...], version: str) -> dict[str, Any]:
    """The whole OpenAPI 3.1 document, from the very schemas that requests are validated with."""
    paths: dict[str, dict[str, object]] = {}
    for declared in routes:
        paths.setdefault(declared.path, {})[declared.method.lower()] = _operation(declared)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Coffer",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **_schemas(routes)},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key, coffer_…"}},
        },
    }


def _schemas(routes: tuple[Route, ...]) -> dict[str, object]:
    answers = [(kind, "serialization") for r in routes for kind in _kinds(r) if isinstance(kind, type)]
    bodies = [(r.body, "validation") for r in routes if r.takes_body]
    wanted: Any = [*answers, *bodies]
    schemas: dict[str, object] = models_json_schema(wanted, ref_template=_REF)[1]["$defs"]
    return schemas


def _operation(declared: Route) -> dict[str, object]:
    access = declared.access
    operation: dict[str, object] = {
        "operationId": _operation_id(declared),
        "summary": declared.summary,
        "tags": [_tag(declared)],
        "parameters": [*_path_parameters(declared), *_query_parameters(declared), *_key_parameter(declared)],
        "responses": {**_successes(declared), **_refusals(declared)},
        "security": [] if access.public else [{"key": []}],
    }
    if access.scopes:
        operation["description"] = f"Scope: {' or '.join(f'`{scope}`' for scope in sorted(access.scopes))}."
    if declared.takes_body:
        schema = {"$ref": _REF.format(model=declared.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _tag(declared: Route) -> str:
    parts = declared.path.strip("/").split("/")
    return parts[1] if parts[0] == "v1" else "node"


def _operation_id(declared: Route) -> str:
    words = [word for word in re.split(r"[^a-z0-9]+", declared.path.removeprefix("/v1")) if word]
    return "_".join([declared.method.lower(), *words])


def _path_parameters(declared: Route) -> list[dict[str, object]]:
    names = re.findall(r"{([a-z]+)}", declared.path)
    return [
        {"name": n, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^({PATH_PATTERNS[n]})$"}}
        for n in names
    ]


def _query_parameters(declared: Route) -> list[dict[str, object]]:
    schema = declared.query.model_json_schema(ref_template=_REF)
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(given)}
        for name, given in schema.get("properties", {}).items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is left out, never null."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    described = {"description": schema["description"]} if "description" in schema else {}
    return {**options[0], **described} if len(options) == 1 else schema


def _key_parameter(declared: Route) -> list[dict[str, object]]:
    if declared.idempotency is Idempotency.NONE:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": KEY_PATTERN}
    return [
        {
            "name": HEADER,
            "in": "header",
            "required": declared.idempotency is Idempotency.REQUIRED,
            "description": "A name of your own for this request. A retry with it returns the first answer.",
            "schema": {**schema, "examples": ["order-1234"]},
        }
    ]


def _successes(declared: Route) -> dict[str, object]:
    kinds = _kinds(declared)
    content = {media: schema for kind in kinds for media, schema in [_content(kind)]}
    told = next((_phrase(kind) for kind in kinds if isinstance(kind, type)), "A file")
    return {str(status): {"description": told, "content": content} for status in declared.statuses}


def _kinds(declared: Route) -> tuple[type[BaseModel] | str, ...]:
    return declared.answer if isinstance(declared.answer, tuple) else (declared.answer,)


def _content(kind: type[BaseModel] | str) -> tuple[str, object]:
    if isinstance(kind, type):
        return "application/json", {"schema": {"$ref": _REF.format(model=kind.__name__)}}
    return kind, {"schema": _file_schema(kind)}


def _file_schema(kind: str) -> dict[str, object]:
    return {"type": "object"} if kind == "application/json" else {"type": "string"}


def _phrase(answer: type[BaseModel]) -> str:
    return (answer.__doc__ or answer.__name__).strip().partition("\n")[0]


def _refusals(declared: Route) -> dict[str, object]:
    codes = {*_COMMON, *declared.refuses}
    codes |= set() if declared.access.public else set(_GUARDED)
    codes |= set(_BODY) if declared.takes_body else set()
    codes |= {"idempotency_key_required"} if declared.idempotency is Idempotency.REQUIRED else set()
    codes |= {"not_found"} if "{" in declared.path else set()
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(RULES[code].status, []).append(code)
    found = {str(status): _refusal(codes_here) for status, codes_here in sorted(by_status.items())}
    taken = {str(status) for status in declared.statuses}
    return {status: answer for status, answer in found.items() if status not in taken}


def _refusal(codes: list[str]) -> dict[str, object]:
    told = "; ".join(f"`{code}`: {RULES[code].title}" for code in codes)
    return {"description": told, "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}}
