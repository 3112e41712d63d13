"""Who is asking, and may they: a bearer key (RFC 6750) with scopes."""

from typing import Any

from aiohttp import web

from api.errors import Problem
from api.routes import Access, Call
from wallet.access.keys import Principal, Scope, authenticate, recognise
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
    secret = _secret(request)
    principal = recognise(context, secret) if access.judged else None
    if principal is None:
        principal = await authenticate(context, secret)
    if principal is None:
        raise _unauthorized()
    if access.scopes and not access.scopes & principal.scopes:
        wanted = " or ".join(sorted(access.scopes))
        raise Problem("scope_missing", f"this needs the scope {wanted}", members={"scope": wanted})
    return principal


async def look_again(request: web.Request, context: Context) -> None:
    """Whether the key stands at this moment, for an answer that the Journal has not judged it for. Raises `Problem` 401."""
    if await authenticate(context, _secret(request)) is None:
        raise _unauthorized()


def _secret(request: web.Request) -> str:
    """What was sent as a secret, once and as a bearer's; else what is none."""
    sent = request.headers.getall("Authorization", [])
    return sent[0][len(_SCHEME) :] if len(sent) == 1 and sent[0][: len(_SCHEME)].lower() == _SCHEME else ""


def _unauthorized() -> Problem:
    return Problem("unauthorized", "send Authorization: Bearer coffer_…, once", headers={"WWW-Authenticate": "Bearer"})


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
    if principal.is_platform:
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
