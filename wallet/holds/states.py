"""The states of a hold that a platform has placed. Only `placed` moves on."""

from enum import StrEnum

from wallet.context import Record
from wallet.journal.body import time_text
from wallet.money import format_units


class State(StrEnum):
    """What has become of a hold; every state but `placed` is its end."""

    PLACED = "placed"
    SETTLED = "settled"
    VOIDED = "voided"
    EXPIRED = "expired"


def hold_view(row: Record, decimals: int) -> dict[str, object]:
    """As its platform and its customer see it. The platform's reference is its own and is not here."""
    return {
        "id": row["id"],
        "customer": row["owner"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "settled": format_units(row["settled_units"], decimals),
        "status": row["state"],
        "expires_at": time_text(row["expires_at"]) if row["expires_at"] else None,
        "created_at": time_text(row["created_at"]),
        "ended_at": time_text(row["ended_at"]) if row["ended_at"] else None,
    }
