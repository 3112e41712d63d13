"""A deposit as its owner sees it."""

from wallet.context import Record
from wallet.deposits.states import UPROOTED
from wallet.journal.body import time_text
from wallet.money import format_units


def deposit_view(row: Record, decimals: int) -> dict[str, object]:
    """What an owner sees of a deposit: nothing of who paid it, and nothing of its sweep."""
    return {
        "id": row["id"],
        "customer": row["owner"],
        "network": row["network"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "address": row["address"],
        "status": row["state"],
        "reason": row["reason"],
        "tx": row["tx"],
        "height": None if row["state"] == UPROOTED else row["height"],
        "created_at": time_text(row["created_at"]),
        "credited_at": time_text(row["credited_at"]) if row["credited_at"] else None,
    }
