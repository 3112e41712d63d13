"""Who sees an event: those whose thing it is, and the platform of a sub-account, which follows all of its own in one place."""

from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from wallet import schema
from wallet.context import Context
from wallet.ledger.accounts import HOUSE


async def viewers_of(context: Context, *owners: str | None) -> tuple[str, ...]:
    """The customers among these owners, with their platforms; the house and nobody see nothing."""
    customers = [owner for owner in dict.fromkeys(owners) if owner is not None and owner != HOUSE]
    if not customers:
        return ()
    table = schema.customers
    among = table.c.id == any_(bindparam(None, customers, type_=ARRAY(Text)))
    rows = await context.all(select(table.c.platform).distinct().where(among, table.c.platform.is_not(None)))
    return tuple(dict.fromkeys((*customers, *sorted(row["platform"] for row in rows))))
