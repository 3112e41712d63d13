"""Freeze a customer: nothing leaves their accounts, what arrives is still credited. And the way back."""

from wallet.context import Context
from wallet.customers.create import find_customer
from wallet.ids import CustomerId
from wallet.journal.change import Change, Committed, EventKind, FlagChange
from wallet.ledger.accounts import Flags, customer_balance


async def freeze_customer(context: Context, actor: str, name: str, reason: str) -> Committed:
    """From the commit on no payment and no withdrawal is accepted, and requested withdrawals wait. What was approved
    before goes on: its hold is settled or voided as ever. Raises `NotFound`."""
    return await _flag(context, actor, name, reason, EventKind.CUSTOMER_FROZEN, Flags.NO_OVERDRAFT | Flags.FROZEN)


async def unfreeze_customer(context: Context, actor: str, name: str, reason: str) -> Committed:
    return await _flag(context, actor, name, reason, EventKind.CUSTOMER_UNFROZEN, Flags.NO_OVERDRAFT)


async def _flag(context: Context, actor: str, name: str, reason: str, kind: EventKind, flags: Flags) -> Committed:
    row = await find_customer(context, name)
    customer = CustomerId(row["id"])
    change = Change(
        actor=actor,
        kind=kind,
        data={"id": customer, "handle": row["handle"], "reason": reason},
        flags=tuple(FlagChange(customer_balance(customer, asset), flags) for asset in context.assets.values()),
        result={"id": customer, "handle": row["handle"]},
    )
    return await context.journal.commit(change)
