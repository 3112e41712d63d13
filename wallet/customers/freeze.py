"""Freeze a customer: nothing leaves their accounts, what arrives is still credited. And the way back.

A freeze is a flag on each of their accounts, also of assets that are listed later: who freezes writes and then looks whether
one was listed meanwhile, who lists an asset writes and then looks who is frozen (`freeze_in`). Neither can miss the other.
"""

from sqlalchemy import select, text

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.create import find_customer, find_open_customer
from wallet.ids import CustomerId
from wallet.journal.change import Change, Committed, EventKind, FlagChange, Requirement
from wallet.ledger.accounts import Flags, customer_balance
from wallet.money import Asset

SHUT = Flags.FROZEN | Flags.CLOSED
"""Of a closed customer's accounts, so that those of assets that are listed later are found as a frozen one's are."""
_IS_FROZEN = (
    f"accounts.flags & {int(Flags.FROZEN)} <> 0"  # in the words of an index, so that a start need not read all accounts
)


async def freeze_customer(context: Context, actor: str, name: str, reason: str) -> Committed:
    """From the commit on no payment and no withdrawal is accepted, and requested withdrawals wait. What was approved
    before goes on: its hold is settled or voided as ever. Raises `NotFound`, `CustomerClosed`."""
    return await _flag(context, actor, await find_open_customer(context, name), reason, EventKind.CUSTOMER_FROZEN)


async def unfreeze_customer(context: Context, actor: str, name: str, reason: str) -> Committed:
    return await _flag(context, actor, await find_open_customer(context, name), reason, EventKind.CUSTOMER_UNFROZEN)


async def freeze_in(context: Context, asset: Asset) -> None:
    """Freeze whoever is frozen elsewhere in this asset too. Repeatable."""
    table = schema.accounts
    is_frozen = text(_IS_FROZEN)
    done = select(table.c.owner).where(table.c.asset == asset.symbol, table.c.code == "balance", is_frozen)
    others = select(table.c.owner).where(table.c.code == "balance", is_frozen, table.c.owner.not_in(done)).distinct()
    for row in await context.all(others):
        owner = await find_customer(context, row["owner"])
        await _flag(context, ACTOR_NODE, owner, f"frozen before {asset.symbol} was listed", EventKind.CUSTOMER_FROZEN)


async def _flag(context: Context, actor: str, row: Record, reason: str, kind: EventKind) -> Committed:
    """Their accounts in all assets that are listed, those too that another process has listed since this one started."""
    first: Committed | None = None
    flagged: set[Asset] = set()
    while (left := await listed_assets(context) - flagged) or first is None:
        committed = await context.journal.commit(_change(row, left, actor, reason, kind))
        first = first or committed
        flagged |= left
    return first


async def listed_assets(context: Context) -> set[Asset]:
    return {Asset(row["id"], row["decimals"]) for row in await context.all(select(schema.assets))}


def _change(row: Record, assets: set[Asset], actor: str, reason: str, kind: EventKind) -> Change:
    customer = CustomerId(row["id"])
    frozen = Flags.FROZEN if row["closed_at"] is None else SHUT
    flags = Flags.NO_OVERDRAFT | (frozen if kind is EventKind.CUSTOMER_FROZEN else Flags.NONE)
    return Change(
        actor=actor,
        kind=kind,
        data={"id": customer, "handle": row["handle"], "reason": reason},
        requires=(Requirement("customers", customer, row["version"]),),
        flags=tuple([FlagChange(customer_balance(customer, asset), flags) for asset in sorted(assets)]),
        result={"id": customer, "handle": row["handle"]},
    )
