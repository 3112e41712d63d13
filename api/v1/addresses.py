"""Deposit addresses. At a bank the address is the reference that payers quote, with our account beside it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, select, tuple_

from api.auth import subject
from api.idempotency import optional_request_of
from api.pages import page_of_rows
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import (
    REFERENCE,
    AmountText,
    AssetSymbol,
    Closed,
    CustomerName,
    Moment,
    NetworkName,
    Nothing,
    Paging,
    Shown,
)
from wallet import schema
from wallet.access.keys import Scope
from wallet.addresses.assign import address_view, assign_address, first_address, new_address
from wallet.addresses.certify import find_certificate
from wallet.context import Context, Record
from wallet.errors import NotFound
from wallet.ids import NetworkId
from wallet.ledger.accounts import HOUSE, NOBODY
from wallet.money import format_units

_READERS = any_of(Scope.READ, Scope.RECEIVE, Scope.OPERATE_READ)

Label = Annotated[
    str,
    Field(
        pattern=f"^{REFERENCE}$",
        examples=["order-77"],
        description="A name of your own for the address, and nobody's personal data: 1 to 64 of A-Z a-z 0-9 . _ ~ -",
    ),
]


Kind = Annotated[
    str,
    Field(
        pattern="^[a-z0-9]{1,16}$",
        examples=["p2tr"],
        description="On Bitcoin p2wpkh or p2tr (taproot). Without it, the kind that this node gives by itself.",
    ),
]


class AddressBody(Closed):
    network: NetworkName
    kind: Kind | None = None
    customer: CustomerName | None = Field(default=None, description="Platforms name a sub-account of theirs.")


class NewAddressBody(Closed):
    network: NetworkName
    kind: Kind | None = None
    label: Label | None = None


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
    kind: str | None = None
    label: str | None = None
    assets: list[AssetSymbol]
    instructions: BankInstructions | None
    created_at: Moment


class AddressPage(Shown):
    items: list[AddressView]
    next_cursor: str | None


class Arrived(Shown):
    """So many deposits of one asset that are in one state, and what they come to. States are those of deposits."""

    asset: AssetSymbol
    status: str
    deposits: int
    amount: AmountText


class UsedAddressView(AddressView):
    arrived: list[Arrived]


class UsedAddressPage(Shown):
    items: list[UsedAddressView]
    next_cursor: str | None


@route(
    "POST",
    "/v1/addresses",
    access=any_of(Scope.RECEIVE),
    answer=AddressView,
    statuses=(201, 200),
    refuses=("not_found", "customer_closed", "address_kind_unknown"),
)
async def assign(call: Call[AddressBody, Nothing]) -> Answer:
    """Have a deposit address; asking again returns the same one"""
    owner, network = await subject(call, call.body.customer), NetworkId(call.body.network)
    existed = await first_address(call.context, owner, network, call.body.kind)
    view = await assign_address(call.context, call.principal.key, owner, network, call.body.kind)
    return Answer(shown_address(call, view), 200 if existed else 201)


@route(
    "GET",
    "/v1/addresses",
    access=_READERS,
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


@route(
    "POST",
    "/v1/customers/{customer}/addresses",
    access=any_of(Scope.RECEIVE),
    answer=AddressView,
    statuses=(201,),
    idempotency=Idempotency.ACCEPTED,
    refuses=("not_found", "customer_closed", "address_kind_unknown", "idempotency_key_reused"),
)
async def add(call: Call[NewAddressBody, Nothing]) -> Answer:
    """Have one more deposit address, with a label of one's own; the others go on"""
    owner, network, label = await subject(call, call.path["customer"]), NetworkId(call.body.network), call.body.label
    kind = {} if call.body.kind is None else {"kind": call.body.kind}
    request = optional_request_of(call, "address.add", {"customer": owner, "network": network, "label": label, **kind})
    made = await new_address(call.context, call.principal.key, owner, network, label, request, call.body.kind)
    return Answer(shown_address(call, made.result), 201, made.replayed)


@route(
    "GET",
    "/v1/customers/{customer}/addresses",
    access=_READERS,
    answer=UsedAddressPage,
    refuses=("not_found", "invalid_cursor"),
)
async def list_used(call: Call[Nothing, Paging]) -> Answer:
    """A customer's deposit addresses with what arrived at each, newest first"""
    owner = await subject(call, call.path["customer"])
    table = schema.addresses
    rows, following = await page_of_rows(call, f"used addresses:{owner}", table, table.c.owner == owner)
    arrived = await _arrived(call.context, rows)
    items = [
        UsedAddressView(
            **shown_address(call, address_view(row)).model_dump(),
            arrived=arrived.get((row["network"], row["address"]), []),
        )
        for row in rows
    ]
    return Answer(UsedAddressPage(items=items, next_cursor=following))


async def _arrived(context: Context, rows: Sequence[Record]) -> dict[tuple[str, str], list[Arrived]]:
    """By network and address, in the order of assets and states."""
    table = schema.deposits
    kind = (table.c.network, table.c.address, table.c.asset, table.c.state)
    places = [(row["network"], row["address"]) for row in rows]
    counted = select(*kind, func.count().label("deposits"), func.sum(table.c.units).label("units"))
    wanted = counted.where(tuple_(table.c.network, table.c.address).in_(places)).group_by(*kind).order_by(*kind)
    found: dict[tuple[str, str], list[Arrived]] = {}
    for row in await context.all(wanted) if places else ():
        amount = format_units(int(row["units"]), context.asset(row["asset"]).decimals)
        one = Arrived(asset=row["asset"], status=row["state"], deposits=row["deposits"], amount=amount)
        found.setdefault((row["network"], row["address"]), []).append(one)
    return found


class CertifiedEntry(Shown):
    """What the signer vouches for."""

    network: NetworkName
    address: str
    path: str = Field(description="Where the key lies below the signer's seed (BIP-32).")
    owner: str = Field(description='SHA-256 over "coffer/address-owner/1", a line end and your customer id, in hex.')
    at: Moment


class CertificateView(Shown):
    """Check it with `coffer address verify`, or as docs/api.md describes."""

    entry: CertifiedEntry
    index: int
    size: int
    way: list[str] = Field(description="The hashes beside the way from its leaf to the signed root (RFC 9162), in hex.")
    key: str = Field(
        description="The signer's Ed25519 key for certificates; compare it with what its operator publishes."
    )
    signature: str
    v: int


@route(
    "GET",
    "/v1/addresses/{address}/certificate",
    access=_READERS,
    answer=CertificateView,
    refuses=("not_found",),
)
async def certificate(call: Call[Nothing, Nothing]) -> Answer:
    """The signer's word that an address of one's own is its own: there a second or two after the address, none at a bank"""
    name, table = call.path["address"], schema.addresses
    row = await call.context.one(select(table).where(table.c.id == name))
    if row is None or row["owner"] in {HOUSE, NOBODY}:
        raise NotFound("certificate", name)
    await subject(call, row["owner"])
    found = await find_certificate(call.context, row)
    if found is None:
        raise NotFound("certificate", name)
    return Answer(CertificateView.model_validate(found.fields()))


ROUTES = (assign, list_all, add, list_used, certificate)
