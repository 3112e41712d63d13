"""What a platform has collected: fees and mark-ups of its customers, owed to it apart from its balance."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.ids import CustomerId
from wallet.ledger.accounts import COLLECTED_CODES
from wallet.money import format_units


async def collected(context: Context, owner: CustomerId) -> list[dict[str, str]]:
    """One item for each account that was ever used, by code and asset; none for customers who are no platforms."""
    table = schema.accounts
    wanted = select(table).where(table.c.owner == owner, table.c.code.in_(COLLECTED_CODES))
    rows = await context.all(wanted.order_by(table.c.code, table.c.asset))
    return [
        {
            "account": row["code"],
            "asset": row["asset"],
            "amount": format_units(row["credits_posted"] - row["debits_posted"], context.asset(row["asset"]).decimals),
        }
        for row in rows
    ]
