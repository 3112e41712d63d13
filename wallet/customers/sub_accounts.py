"""Sub-accounts: customers that a platform keeps for customers of its own, under references of its own.

A sub-account has no handle and no personal data: its platform knows who it is. Making many is one Change for all that a
call names, and can be repeated: what is there already is found by its reference and stays as it is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Select, Text, any_, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from wallet import schema
from wallet.addresses.assign import address_view, next_addresses
from wallet.context import Context, Record
from wallet.customers.create import customer_view
from wallet.errors import AlreadyExists, CustomerClosed, Stale
from wallet.ids import CustomerId, NetworkId
from wallet.journal.change import Change, EventKind, Insert

PREFIX = "ref:"
BATCH_MAX = (
    1_000  # sub-accounts a call: one Change of some 300 KB with an address each, written in a few hundred milliseconds
)
ATTEMPTS_MAX = 100  # each lost race means that another call got on

_TABLE = schema.customers


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sub-account that shall be there, with a deposit address on each of these networks."""

    reference: str
    networks: tuple[NetworkId, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The sub-account as it is now, with its addresses on the networks asked for; `created` by this call or before it."""

    customer: Record
    addresses: tuple[Record, ...]
    created: bool


@dataclass(frozen=True, slots=True)
class _Found:
    customers: Mapping[str, Record]  # by reference
    addresses: Mapping[tuple[str, str], Record]  # by owner and network


def _named(platform: str, name: str) -> Select[Any]:
    if name.startswith(PREFIX):
        return select(_TABLE).where(_TABLE.c.platform == platform, _TABLE.c.reference == name.removeprefix(PREFIX))
    return select(_TABLE).where(_TABLE.c.platform == platform, _TABLE.c.id == name)


async def find_sub_account(context: Context, platform: str, name: str) -> Record | None:
    """The platform's sub-account of this id, or of this reference behind `ref:`; None if it has none such."""
    return await context.one(_named(platform, name))


async def is_sub_account(context: Context, platform: str, customers: Collection[str]) -> bool:
    """Whether one of these is a sub-account of the platform."""
    wanted = select(_TABLE.c.id).where(_TABLE.c.platform == platform, _TABLE.c.id.in_(customers)).limit(1)
    return await context.one(wanted) is not None


async def create_sub_accounts(
    context: Context, actor: str, platform: CustomerId, wanted: Sequence[Wanted]
) -> list[Standing]:
    """Each sub-account and address that is not there yet is made; returns all, in order. References differ from each other.

    Raises `NotFound` for a network that this node does not run, and `CustomerClosed` where one that is closed has no
    address yet; then nothing is made.
    """
    for network in {network for item in wanted for network in item.networks}:
        context.network(network)
    created: frozenset[str] = frozenset()
    for _ in range(ATTEMPTS_MAX):
        found = await _find(context, platform, wanted)
        change = await _decide(context, actor, platform, wanted, found)
        if change is None:
            return [_standing(item, found, created) for item in wanted]
        try:
            await context.journal.commit(change)
        except (Stale, AlreadyExists):
            continue
        created |= {item.reference for item in wanted} - set(found.customers)
    raise Stale("customers", platform)


async def _find(context: Context, platform: CustomerId, wanted: Sequence[Wanted]) -> _Found:
    rows = await context.all(by_reference(platform, [item.reference for item in wanted]))
    customers = {row["reference"]: row for row in rows}
    networks = {network for item in wanted for network in item.networks}
    if not rows or not networks:
        return _Found(customers, {})
    table = schema.addresses
    owned = select(table).where(
        table.c.owner == any_(_texts([row["id"] for row in rows])), table.c.network.in_(networks)
    )
    newest_first = await context.all(owned.order_by(table.c.id.desc()))
    return _Found(customers, {(row["owner"], row["network"]): row for row in newest_first})  # the oldest counts


def by_reference(platform: CustomerId, references: Sequence[str]) -> Select[Any]:
    """One look into the unique index for each. Asked with IN, PostgreSQL reads all customers of the platform when its
    statistics are older than they are, which is just when many are made: a hundred batches then cost a hundred times."""
    asked = func.unnest(_texts(references)).table_valued("reference").render_derived()
    of_platform = (_TABLE.c.platform == platform, _TABLE.c.reference == asked.c.reference)
    one = select(_TABLE).where(*of_platform).limit(1).lateral()
    return select(one).select_from(asked.join(one, true()))


def _texts(values: Sequence[str]) -> BindParameter[Any]:
    return bindparam(None, list(values), type_=ARRAY(Text))


async def _decide(
    context: Context, actor: str, platform: CustomerId, wanted: Sequence[Wanted], found: _Found
) -> Change | None:
    """The Change that makes what is missing, or None where nothing is."""
    now = context.clock.now()
    ids = {reference: str(row["id"]) for reference, row in found.customers.items()}
    new: list[Record] = []
    for item in wanted:
        if item.reference not in ids:
            ids[item.reference] = context.new_id("cus")
            new.append(_row(ids[item.reference], platform, item.reference, now))
    closed = {row["id"] for row in found.customers.values() if row["closed_at"] is not None}
    owners = [(ids[item.reference], network) for item in wanted for network in dict.fromkeys(item.networks)]
    missing = [pair for pair in owners if pair not in found.addresses]
    for owner, _ in missing:
        if owner in closed:
            raise CustomerClosed(owner)
    writes, addresses = await next_addresses(context, missing)
    if not new and not addresses:
        return None
    data = {
        "platform": platform,
        "customers": [customer_view(row) for row in new],
        "addresses": [{**address_view(row), "customer": row["owner"]} for row in addresses],
    }
    inserts = (*[Insert("customers", row) for row in new], *writes)
    return Change(actor, EventKind.CUSTOMERS_CREATED, data, writes=inserts, viewers=(platform,))


def _row(customer: str, platform: str, reference: str, now: object) -> Record:
    names = {"handle": None, "name_item": None, "email_item": None}
    return {"id": customer, **names, "platform": platform, "reference": reference, "created_at": now}


def _standing(item: Wanted, found: _Found, created: frozenset[str]) -> Standing:
    customer = found.customers[item.reference]
    addresses = tuple(found.addresses[customer["id"], network] for network in dict.fromkeys(item.networks))
    return Standing(customer, addresses, item.reference in created)
