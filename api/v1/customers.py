"""Customers: made by operators, and by platforms for themselves; each sees itself. Lists carry no personal data."""

from typing import Annotated, Any

from pydantic import Field

from api.auth import subject
from api.errors import Problem
from api.idempotency import optional_request_of, personal
from api.json_body import BATCH_BYTES_MAX
from api.pages import page_of_rows
from api.routes import ANY_KEY, Answer, Call, Idempotency, any_of, route
from api.schema import REFERENCE, Closed, Line, Moment, NetworkName, Nothing, Paging, Shown
from api.v1.addresses import AddressView, shown_address
from wallet import schema
from wallet.access.keys import Scope
from wallet.addresses.assign import address_view
from wallet.customers.create import create_customer, customer_view, find_customer, parse_handle, reveal_customer
from wallet.customers.sub_accounts import BATCH_MAX, Standing, Wanted, create_sub_accounts
from wallet.ids import CustomerId, NetworkId
from wallet.vault.vault import RevealPurpose

Email = Annotated[str, Field(pattern="^[^@\\s\\u0000-\\u001f]{1,64}@[^@\\s\\u0000-\\u001f]{1,189}$")]
_LISTERS = any_of(Scope.OPERATE, Scope.OPERATE_READ, Scope.PLATFORM)


NETWORKS_MAX = 20  # of one item; a node runs a handful


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
    """A sub-account has no `handle`, but a `platform` and a `reference`, by which that platform names it `ref:…`."""

    id: str
    handle: str | None
    platform: str | None = None
    reference: str | None = None
    created_at: Moment
    closed_at: Moment | None = None


class CustomerInClear(CustomerView):
    name: str | None
    email: str | None


Reference = Annotated[
    str,
    Field(
        pattern=f"^{REFERENCE}$",
        examples=["order-77"],
        description="The platform's own name for the customer, for ever: 1 to 64 of A-Z a-z 0-9 . _ ~ -",
    ),
]


class SubAccountBody(Closed):
    reference: Reference
    addresses: list[NetworkName] = Field(
        default=[], max_length=NETWORKS_MAX, description="Networks on which it shall have a deposit address."
    )


class SubAccountsBody(Closed):
    items: list[SubAccountBody] = Field(
        min_length=1, max_length=BATCH_MAX, examples=[[{"reference": "order-77", "addresses": ["bitcoin"]}]]
    )


class SubAccountView(CustomerView):
    """`created` by this request; false if it was there before."""

    created: bool
    addresses: list[AddressView]


class SubAccountList(Shown):
    items: list[SubAccountView]


class CustomerPage(Shown):
    items: list[CustomerView]
    next_cursor: str | None


class Me(Shown):
    """`customer` or `operator` is set, as the key's owner is the one or the other."""

    owner: str
    handle: str | None
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


@route(
    "POST",
    "/v1/customers/batch",
    access=any_of(Scope.PLATFORM),
    answer=SubAccountList,
    refuses=("not_found", "customer_closed"),
    bytes_max=BATCH_BYTES_MAX,
)
async def create_batch(call: Call[SubAccountsBody, Nothing]) -> Answer:
    """Have sub-accounts with deposit addresses; those that are there already stay as they are"""
    wanted = [Wanted(item.reference, tuple(map(NetworkId, item.addresses))) for item in call.body.items]
    if len({item.reference for item in wanted}) < len(wanted):
        raise Problem("invalid_request", "a reference stands twice", blame="items")
    platform = CustomerId(call.principal.owner)
    standings = await create_sub_accounts(call.context, call.principal.key, platform, wanted)
    return Answer(SubAccountList(items=[_shown_standing(call, standing) for standing in standings]))


def _shown_standing(call: Call[Any, Any], standing: Standing) -> SubAccountView:
    addresses = [shown_address(call, address_view(row)) for row in standing.addresses]
    view = {**customer_view(standing.customer), "created": standing.created, "addresses": addresses}
    return SubAccountView.model_validate(view)


@route("GET", "/v1/customers", access=_LISTERS, answer=CustomerPage, refuses=("invalid_cursor",))
async def list_all(call: Call[Nothing, Paging]) -> Answer:
    """Customers, newest first; a platform sees its own"""
    table, principal = schema.customers, call.principal
    own = [] if principal.is_operator else [table.c.platform == principal.owner]
    rows, following = await page_of_rows(call, "customers", table, *own)
    items = [CustomerView.model_validate(customer_view(row)) for row in rows]
    return Answer(CustomerPage(items=items, next_cursor=following))


@route(
    "GET",
    "/v1/customers/{customer}",
    access=any_of(Scope.READ, Scope.OPERATE, Scope.OPERATE_READ),
    answer=CustomerInClear,
    refuses=("not_found",),
)
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One customer, by id or @handle; a platform names its own by ref:REFERENCE as well"""
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


ROUTES = (create, create_batch, list_all, show, show_me)
