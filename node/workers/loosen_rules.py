"""Let a customer's loosened rules hold once their time has come."""

from wallet.context import Context
from wallet.safeguards.change import apply_loosenings


async def loosen_due_rules(context: Context) -> None:
    await apply_loosenings(context)
