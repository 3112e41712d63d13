"""Whose an address is: what arrives there is theirs."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ledger.accounts import NOBODY


async def owner_of_address(context: Context, network: NetworkId, address: str | None) -> str | None:
    """None for an address that was never given to anybody here, and for one whose owner is closed or not known any more: what
    arrives there waits for a person."""
    if address is None:
        return None
    table, customers = schema.addresses, schema.customers
    wanted = (
        select(table.c.owner)
        .join(customers, customers.c.id == table.c.owner, isouter=True)
        .where(table.c.network == network, table.c.address == address, customers.c.closed_at.is_(None))
    )
    row = await context.one(wanted)
    return None if row is None or row["owner"] == NOBODY else str(row["owner"])
