"""Deposit addresses. At a bank the address is the reference that payers quote, with our account beside it."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from api.auth import subject
from api.pages import page_of_rows
from api.routes import Answer, Call, any_of, route
from api.schema import AssetSymbol, Closed, CustomerName, Moment, NetworkName, Nothing, Paging, Shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.addresses.assign import address_view, assign_address
from wallet.ids import NetworkId


class AddressBody(Closed):
    network: NetworkName
    customer: CustomerName | None = Field(default=None, description="Platforms name a sub-account of theirs.")


class AddressQuery(Paging):
    customer: CustomerName | None = None


class BankInstructions(Shown):
    """What a payer writes on a bank transfer. Without the reference the money cannot be attributed."""

    iban: str
    bic: str | None
    name: str
    reference: str


class AddressView(Shown):
    id: str
    network: NetworkName
    address: str
    assets: list[AssetSymbol]
    instructions: BankInstructions | None
    created_at: Moment


class AddressPage(Shown):
    items: list[AddressView]
    next_cursor: str | None


@route(
    "POST",
    "/v1/addresses",
    access=any_of(Scope.RECEIVE),
    answer=AddressView,
    statuses=(201, 200),
    refuses=("not_found",),
)
async def assign(call: Call[AddressBody, Nothing]) -> Answer:
    """Have a deposit address; asking again returns the same one"""
    owner, network = await subject(call, call.body.customer), NetworkId(call.body.network)
    table = schema.addresses
    existed = await call.context.one(table.select().where(table.c.owner == owner, table.c.network == network))
    view = await assign_address(call.context, call.principal.key, owner, network)
    return Answer(shown_address(call, view), 200 if existed else 201)


@route(
    "GET",
    "/v1/addresses",
    access=any_of(Scope.READ, Scope.RECEIVE, Scope.OPERATE_READ),
    answer=AddressPage,
    refuses=("not_found", "invalid_cursor"),
)
async def list_all(call: Call[Nothing, AddressQuery]) -> Answer:
    """Deposit addresses, newest first"""
    owner = await subject(call, call.query.customer)
    table = schema.addresses
    rows, following = await page_of_rows(call, f"addresses:{owner}", table, table.c.owner == owner)
    items = [shown_address(call, address_view(row)) for row in rows]
    return Answer(AddressPage(items=items, next_cursor=following))


def shown_address(call: Call[Any, Any], view: Mapping[str, object]) -> AddressView:
    network = str(view["network"])
    running = call.context.networks.get(NetworkId(network))
    assets = [listing.asset.symbol for listing in running.listings] if running else []
    bank = call.settings.bank_details.get(network)
    instructions = None
    if bank is not None:
        instructions = BankInstructions(iban=bank.iban, bic=bank.bic, name=bank.name, reference=str(view["address"]))
    return AddressView.model_validate({**view, "assets": assets, "instructions": instructions})


ROUTES = (assign, list_all)
