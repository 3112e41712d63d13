"""API keys: made, listed, revoked. A secret is shown once, in the answer that makes it."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement

from api.errors import Problem
from api.idempotency import optional_request_of
from api.pages import page_of_rows
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import Closed, CustomerName, Line, Moment, Nothing, Paging, Shown
from wallet import schema
from wallet.access.keys import GRANTED_SCOPES, LABEL_MAX, Scope, create_key, revoke_key
from wallet.context import Record
from wallet.customers.create import find_customer
from wallet.errors import NotAllowed, NotFound
from wallet.journal.body import time_text

_KEEPERS = any_of(Scope.KEYS, Scope.OPERATE)


class ApiKeyBody(Closed):
    owner: CustomerName | None = Field(default=None, description="Operators name a customer; without it, oneself.")
    scopes: list[Annotated[Scope, Field(strict=False)]] = Field(
        min_length=1, max_length=len(Scope), examples=[["read", "receive", "pay"]]
    )
    label: Line = Field(min_length=1, max_length=LABEL_MAX, examples=["shop back end"])


class ApiKeyView(Shown):
    id: str
    owner: str
    scopes: list[Scope]
    label: str
    created_at: Moment
    revoked_at: Moment | None


class ApiKeyMade(ApiKeyView):
    secret: str | None = Field(description="Shown this once; null when a request is repeated. It is stored nowhere.")


class ApiKeyPage(Shown):
    items: list[ApiKeyView]
    next_cursor: str | None


class ApiKeyRevoked(Shown):
    id: str
    owner: str
    revoked_at: Moment


class OwnerQuery(Paging):
    owner: CustomerName | None = None


@route(
    "POST",
    "/v1/api-keys",
    access=_KEEPERS,
    answer=ApiKeyMade,
    statuses=(201,),
    idempotency=Idempotency.ACCEPTED,
    refuses=("not_allowed", "not_found", "idempotency_key_reused"),
)
async def create(call: Call[ApiKeyBody, Nothing]) -> Answer:
    """Make an API key"""
    owner = await _owner(call, call.body.owner)
    scopes = frozenset(call.body.scopes)
    if owner == call.principal.owner and not scopes <= call.principal.scopes:
        raise NotAllowed("a key cannot make a key that may do more than itself")
    if scopes & GRANTED_SCOPES:
        await _check_granted(call, owner)
    meaning: dict[str, object] = {"owner": owner, "scopes": sorted(scopes), "label": call.body.label}
    request = optional_request_of(call, "api_key.create", meaning)
    made, secret = await create_key(call.context, call.principal.key, owner, scopes, call.body.label, request)
    return Answer(ApiKeyMade.model_validate({**made.result, "secret": secret}), 201, made.replayed)


@route("GET", "/v1/api-keys", access=_KEEPERS, answer=ApiKeyPage, refuses=("not_found", "invalid_cursor"))
async def list_all(call: Call[Nothing, OwnerQuery]) -> Answer:
    """API keys, newest first; secrets are not among them"""
    owner = await _owner(call, call.query.owner)
    rows, following = await page_of_rows(call, f"api_keys:{owner}", schema.api_keys, schema.api_keys.c.owner == owner)
    return Answer(ApiKeyPage(items=[_view(row) for row in rows], next_cursor=following))


@route("DELETE", "/v1/api-keys/{key}", access=_KEEPERS, answer=ApiKeyRevoked, refuses=("not_found",))
async def revoke(call: Call[Nothing, Nothing]) -> Answer:
    """Revoke an API key; from the answer on nobody gets in with it"""
    table = schema.api_keys
    row = await call.context.one(table.select().where(table.c.id == call.path["key"], _reachable(call)))
    if row is None:
        raise NotFound("API key", call.path["key"])
    revoked = await revoke_key(call.context, call.principal.key, row["owner"], row["id"])
    return Answer(ApiKeyRevoked.model_validate(revoked.result))


def _reachable(call: Call[Any, Any]) -> ColumnElement[bool]:
    """Operators keep customers' keys and their own; not each other's."""
    owner = schema.api_keys.c.owner
    own = owner == call.principal.owner
    return own | owner.startswith("cus_", autoescape=True) if call.principal.is_operator else own


async def _owner(call: Call[Any, Any], named: str | None) -> str:
    if named is None:
        return call.principal.owner
    found = str((await find_customer(call.context, named))["id"])
    if found != call.principal.owner and not call.principal.is_operator:
        raise Problem("not_allowed", "customers make keys for themselves")
    return found


async def _check_granted(call: Call[Any, Any], owner: str) -> None:
    """Who is a platform is for operators to say; and a platform's sub-account is none."""
    if not call.principal.is_operator:
        raise NotAllowed("only operators make a key for a platform")
    if owner.startswith("cus_") and (await find_customer(call.context, owner))["platform"] is not None:
        raise NotAllowed("a sub-account cannot be a platform")


def _view(row: Record) -> ApiKeyView:
    revoked = time_text(row["revoked_at"]) if row["revoked_at"] else None
    times = {"created_at": time_text(row["created_at"]), "revoked_at": revoked}
    return ApiKeyView.model_validate({**row, **times})


ROUTES = (create, list_all, revoke)
