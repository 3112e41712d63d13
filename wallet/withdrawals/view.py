"""A withdrawal as its owner sees it."""

from wallet.context import Record
from wallet.journal.body import time_text
from wallet.money import format_units
from wallet.withdrawals.states import reason_of
from wallet.withdrawals.terms import FeeMode


def withdrawal_view(row: Record, decimals: int) -> dict[str, object]:
    """`amount` is what arrives. A bank destination is personal and is shown only through the vault."""
    return {
        "id": row["id"],
        "customer": row["owner"],
        "network": row["network"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "network_fee": format_units(row["fee_units"], decimals),
        "fee": row.get("fee") or FeeMode.CHARGED.value,
        "total": format_units(row["units"] + row["fee_units"], decimals),
        "destination": row["destination"],
        "status": row["state"],
        "reason": reason_of(row["reason"]),
        "payment": row.get("payment"),
        "returned_by": row.get("returned_by"),
        "client_reference": row["client_reference"],
        "created_at": time_text(row["created_at"]),
    }
