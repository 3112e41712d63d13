"""Whose an address is: what arrives there is theirs."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func, select

from wallet import schema
from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ledger.accounts import NOBODY


async def owners_of_addresses(context: Context, network: NetworkId, addresses: Collection[str]) -> dict[str, str]:
    """Without those that were never given to anybody here, and those whose owner is closed or not known any more: what arrives
    there waits for a person."""
    table, customers = schema.addresses, schema.customers
    wanted = (
        select(table.c.address, table.c.owner)
        .join(customers, customers.c.id == table.c.owner, isouter=True)
        .where(table.c.network == network, table.c.address.in_(addresses), customers.c.closed_at.is_(None))
    )
    rows = await context.all(wanted) if addresses else []
    return {row["address"]: row["owner"] for row in rows if row["owner"] != NOBODY}


async def owner_elsewhere(context: Context, network: NetworkId, address: str | None) -> str | None:
    """Whose it is on another network of this node, and not on this one: the keys are ours here too. None for an address that
    was handed out here, whoever has it."""
    if address is None:
        return None
    table, customers = schema.addresses, schema.customers
    wanted = (
        select(table.c.owner, table.c.network)
        .join(customers, customers.c.id == table.c.owner)
        .where(same_address(address), customers.c.closed_at.is_(None))
    )
    rows = await context.all(wanted.order_by(table.c.id))
    here = select(table.c.id).where(table.c.network == network, table.c.address == address)
    return str(rows[0]["owner"]) if rows and await context.one(here) is None else None


def same_address(address: str) -> ColumnElement[bool]:
    """On whatever network: there is an index of addresses in lower case (`wallet.addresses.book`)."""
    return and_(func.lower(schema.addresses.c.address) == address.lower(), schema.addresses.c.address == address)
