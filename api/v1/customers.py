"""Customers: made by operators; each sees itself. Lists carry no personal data."""

from typing import Annotated

from pydantic import Field

from api.auth import subject
from api.idempotency import optional_request_of, personal
from api.pages import page_of_rows
from api.routes import ANY_KEY, Answer, Call, Idempotency, any_of, route
from api.schema import Closed, Line, Moment, Nothing, Paging, Shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.customers.create import create_customer, find_customer, parse_handle, reveal_customer
from wallet.journal.body import time_text
from wallet.vault.vault import RevealPurpose

Email = Annotated[str, Field(pattern="^[^@\\s\\u0000-\\u001f]{1,64}@[^@\\s\\u0000-\\u001f]{1,189}$")]
_OPERATORS = any_of(Scope.OPERATE, Scope.OPERATE_READ)


class CustomerBody(Closed):
    handle: str = Field(
        min_length=2,
        max_length=31,
        examples=["@alice"],
        description="Public and for ever: 2 to 30 lower-case ASCII letters, digits and _, beginning with a letter.",
        json_schema_extra={"pattern": "^@?[a-z][a-z0-9_]{1,29}$"},
    )
    name: Line | None = Field(default=None, min_length=1, max_length=140, examples=["Alice Example"])
    email: Email | None = Field(default=None, max_length=254, examples=["alice@example.org"])


class CustomerView(Shown):
    id: str
    handle: str
    created_at: Moment


class CustomerInClear(CustomerView):
    name: str | None
    email: str | None


class CustomerPage(Shown):
    items: list[CustomerView]
    next_cursor: str | None


class Me(Shown):
    """`customer` or `operator` is set, as the key's owner is the one or the other."""

    owner: str
    handle: str
    key: str
    scopes: list[Scope]
    customer: CustomerInClear | None


@route(
    "POST",
    "/v1/customers",
    access=any_of(Scope.OPERATE),
    answer=CustomerView,
    statuses=(201,),
    idempotency=Idempotency.ACCEPTED,
    refuses=("handle_malformed", "handle_taken", "idempotency_key_reused"),
)
async def create(call: Call[CustomerBody, Nothing]) -> Answer:
    """Create a customer"""
    sent, settings = call.body, call.settings
    handle = parse_handle(sent.handle)
    meaning: dict[str, object] = {
        "handle": handle,
        "name": personal(settings, sent.name),
        "email": personal(settings, sent.email),
    }
    request = optional_request_of(call, "customer.create", meaning)
    made = await create_customer(call.context, call.principal.key, handle, sent.name, sent.email, request)
    view = CustomerView.model_validate(made.result)
    return Answer(view, 201, made.replayed, location=f"/v1/customers/{view.id}")


@route("GET", "/v1/customers", access=_OPERATORS, answer=CustomerPage, refuses=("invalid_cursor",))
async def list_all(call: Call[Nothing, Paging]) -> Answer:
    """Customers, newest first"""
    rows, following = await page_of_rows(call, "customers", schema.customers)
    items = [CustomerView(id=r["id"], handle=r["handle"], created_at=time_text(r["created_at"])) for r in rows]
    return Answer(CustomerPage(items=items, next_cursor=following))


@route(
    "GET",
    "/v1/customers/{customer}",
    access=any_of(Scope.READ, Scope.OPERATE, Scope.OPERATE_READ),
    answer=CustomerInClear,
    refuses=("not_found",),
)
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One customer, by id or @handle"""
    owner = await subject(call, call.path["customer"])
    return Answer(await _in_clear(call, owner))


@route("GET", "/v1/me", access=ANY_KEY, answer=Me)
async def show_me(call: Call[Nothing, Nothing]) -> Answer:
    """Whose key this is, and what it may do"""
    principal, context = call.principal, call.context
    scopes = sorted(principal.scopes)
    if principal.is_operator:
        table = schema.operators
        row = await context.one(table.select().where(table.c.id == principal.owner))
        handle = row["handle"] if row else ""
        return Answer(Me(owner=principal.owner, handle=handle, key=principal.key, scopes=scopes, customer=None))
    customer = await _in_clear(call, principal.owner)
    return Answer(
        Me(owner=principal.owner, handle=customer.handle, key=principal.key, scopes=scopes, customer=customer)
    )


async def _in_clear(call: Call[Nothing, Nothing], owner: str) -> CustomerInClear:
    row = await find_customer(call.context, owner)
    operator = call.principal.is_operator
    purpose = RevealPurpose.SHOW_TO_OPERATOR if operator else RevealPurpose.SHOW_TO_OWNER
    return CustomerInClear.model_validate(await reveal_customer(call.context, row, purpose))


ROUTES = (create, list_all, show, show_me)
