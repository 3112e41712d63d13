"""`coffer network payout-contract show`."""

import json

from wallet.context import Context
from wallet.errors import NotFound
from wallet.ids import NetworkId
from wallet.journal.body import time_text
from wallet.payout_contracts.find import find_contract, together_of


async def print_contract(context: Context, name: str, *, as_json: bool) -> int:
    """Raises `NotFound` where there is none."""
    network, _ = together_of(context, name)
    row = await find_contract(context, NetworkId(network.id))
    if row is None:
        raise NotFound("payout contract of network", name)
    view = {
        "network": row["id"],
        "contract": row["contract"],
        "code_hash": row["code_hash"],
        "status": row["state"],
        "reason": row["reason"],
        "assets": list(row["assets"]),
        "created_at": time_text(row["created_at"]),
    }
    lines = [f"{key:<11} {', '.join(text) if isinstance(text, list) else text or '-'}" for key, text in view.items()]
    print(json.dumps(view) if as_json else "\n".join(lines))  # noqa: T201  a command's result
    return 0
