"""Who is asking, and may they: a bearer key (RFC 6750) with scopes."""

from typing import Any

from aiohttp import web

from api.errors import Problem
from api.routes import Access, Call
from wallet.access.keys import Principal, Scope, authenticate
from wallet.context import Context
from wallet.customers.create import find_customer
from wallet.customers.sub_accounts import find_sub_account, is_sub_account
from wallet.errors import NotFound
from wallet.ids import CustomerId

_SCHEME = "bearer "


async def admit(request: web.Request, context: Context, access: Access) -> Principal | None:
    """The principal, or None on a public endpoint. Raises `Problem` 401 (the same for every reason) or 403."""
    if access.public:
        return None
    principal = await _principal(request, context)
    if principal is None:
        detail = "send Authorization: Bearer coffer_…, once"
        raise Problem("unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})
    if access.scopes and not access.scopes & principal.scopes:
        wanted = " or ".join(sorted(access.scopes))
        raise Problem("scope_missing", f"this needs the scope {wanted}", members={"scope": wanted})
    return principal


async def _principal(request: web.Request, context: Context) -> Principal | None:
    sent = request.headers.getall("Authorization", [])
    if len(sent) != 1 or not sent[0].lower().startswith(_SCHEME):
        return None
    return await authenticate(context, sent[0][len(_SCHEME) :])


async def subject(call: Call[Any, Any], named: str | None) -> CustomerId:
    """Whose things are asked for: one's own, those of the customer that an operator names, or those of a sub-account that
    its platform names, by id or as `ref:` and the platform's reference. Others' do not exist."""
    principal = call.principal
    if principal.is_operator:
        if named is None:
            raise Problem("invalid_request", "operators name the customer", blame="customer")
        return CustomerId((await find_customer(call.context, named))["id"])
    if named is None or named == principal.owner:
        return CustomerId(principal.owner)
    if Scope.PLATFORM in principal.scopes:
        found = await find_sub_account(call.context, principal.owner, named)
        if found is not None:
            return CustomerId(found["id"])
    if (await _own_id(call, named)) != principal.owner:
        raise NotFound("customer", named)
    return CustomerId(principal.owner)


async def may_see(call: Call[Any, Any], *owners: str | None) -> bool:
    """Whether something of these owners exists for whoever asks: their own, their sub-account's, or to an operator."""
    principal = call.principal
    if principal.is_operator or principal.owner in owners:
        return True
    if Scope.PLATFORM not in principal.scopes:
        return False
    return await is_sub_account(call.context, principal.owner, [owner for owner in owners if owner is not None])


async def _own_id(call: Call[Any, Any], named: str) -> str:
    return named if named.startswith("cus_") else str((await find_customer(call.context, named))["id"])
