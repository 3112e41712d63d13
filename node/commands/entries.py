"""`coffer entry reverse`: what moved back, and what is owed now."""

import json

from wallet.context import Context
from wallet.journal.receipts import receipt_view
from wallet.reversals.reverse import moved_back, reverse_entry


async def reverse(context: Context, name: str, reason: str, *, as_json: bool) -> int:
    """Raises what `reverse_entry` raises."""
    done = await reverse_entry(context, "cli", name, reason)
    moved = await moved_back(context, done)
    if as_json:
        receipt = None if done.receipt is None else receipt_view(done.receipt())
        print(json.dumps({**done.result, "moved": moved, "receipt": receipt}))  # noqa: T201 (a command's result)
        return 0
    print(f"{done.result['reversed']} is reversed")  # noqa: T201
    for part in moved:
        owed = "  (spent already: owed from now on)" if ":receivable:" in part["from"] else ""
        print(f"  {part['amount']} {part['asset']} from {part['from']} to {part['to']}{owed}")  # noqa: T201
    return 0
