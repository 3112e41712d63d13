"""Look up saved destinations, and show them."""

from datetime import datetime

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotFound
from wallet.ids import CustomerId
from wallet.journal.body import time_text

SAVED = "saved_destinations"
_TABLE = schema.saved_destinations


def destination_view(row: Record) -> dict[str, object]:
    """As events have it: a bank account is personal and is shown only through the vault."""
    return {
        "id": row["id"],
        "customer": row["owner"],
        "network": row["network"],
        "address": row["destination"],
        "label": row["label"],
        "saved_at": time_text(row["saved_at"]),
        "usable_at": time_text(row["usable_at"]),
        "removed_at": None if row["removed_at"] is None else time_text(row["removed_at"]),
    }


async def find_marked(context: Context, owner: CustomerId, network: str, mark: str) -> Record | None:
    """The row of this destination, also when it was removed."""
    of_owner = (_TABLE.c.owner == owner, _TABLE.c.network == network, _TABLE.c.mark == mark)
    return await context.one(select(_TABLE).where(*of_owner))


async def find_saved(context: Context, owner: CustomerId, destination: str) -> Record:
    """Raises `NotFound`."""
    row = await context.one(select(_TABLE).where(_TABLE.c.id == destination, _TABLE.c.owner == owner))
    if row is None:
        raise NotFound("saved destination", destination)
    return row


def is_usable(row: Record, now: datetime) -> bool:
    usable_at: datetime = row["usable_at"]
    return row["removed_at"] is None and usable_at <= now
