"""What an owner is told of a stray: that it is there, why it is no deposit, and what can be done."""

from wallet.context import Record
from wallet.journal.body import time_text
from wallet.strays.states import State

UNLISTED_TOKEN, UNLISTED = "unlisted_token", "unlisted"


def stray_view(row: Record) -> dict[str, object]:
    """`claim` is what a contract says of itself: a token may call itself by any name and count in any decimals."""
    state = State(row["state"])
    return {
        "id": row["id"],
        "customer": row["owner"],
        "network": row["network"],
        "address": row["address"],
        "status": UNLISTED if state is State.SEEN else state.value,
        "reason": row["reason"],
        "claim": {
            "contract": row["contract"],
            "units": str(row["units"]),
            "symbol": row["symbol"],
            "decimals": row["decimals"],
        },
        "tx": row["tx"],
        "height": row["height"],
        "created_at": time_text(row["created_at"]),
    }
