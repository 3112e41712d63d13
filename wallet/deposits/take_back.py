"""A credited deposit whose block is gone and that the new branch does not have: its owner bears that, not the house.

    uprooted ──▶ owner frozen ──▶ their unsigned withdrawals cancelled ──▶ charged_back
        └──────── (what they have covers it) ────────────────────────────────▲

Each step is a Change of its own, decided on what is true then, so that a crash anywhere leaves a deposit that is still
uprooted and is taken up again. What covers it is taken; what is missing is owed by name, and what arrives for the owner
repays it first. Seen again, the deposit is credited again: the books have taken it in once more than out, never twice.

What this prevents: money that a network took away and that customers still have to spend, and one customer's double spend
paid by the others.
"""

from dataclasses import dataclass

import structlog
from msgspec.structs import replace
from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record, amount_of
from wallet.customers.freeze import freeze_customer
from wallet.deposits.move import moved
from wallet.deposits.place import place_of
from wallet.deposits.states import CHARGED_BACK, UPROOTED
from wallet.errors import AccountClosed, AccountFrozen, InsufficientFunds, Stale
from wallet.ids import CustomerId
from wallet.journal.change import EventKind
from wallet.ledger import templates
from wallet.ledger.accounts import HOUSE, Flags, customer_balance
from wallet.ledger.transfers import Entry
from wallet.money import Asset
from wallet.points import point
from wallet.ports import BlockRef, Network
from wallet.withdrawals.cancel import cancel_newest_unsigned
from wallet.withdrawals.states import Reason

REORG = "reorg"
STEP_MAX = 500  # deposits taken back in one step

_log = structlog.get_logger("deposits")
_CHANGED = (Stale, InsufficientFunds, AccountFrozen, AccountClosed)


async def take_back_lost(context: Context, network: Network, tip: BlockRef) -> None:
    """When the new branch has been scanned to its tip: what it has not shown again is gone. A branch that has not reached the
    height at which a deposit stood says nothing about it yet."""
    table = schema.deposits
    lost = select(table).where(table.c.network == network.id, table.c.state == UPROOTED, table.c.height <= tip.height)
    for row in await context.all(lost.order_by(table.c.height, table.c.id).limit(STEP_MAX)):
        await take_back(context, ACTOR_NODE, network, row["id"])


async def take_back(
    context: Context, actor: str, network: Network, deposit: str, why: str | None = None
) -> Record | None:
    """Returns the row after it, or None for one that is not uprooted any more. `why` is for operators."""
    while True:
        row = await context.one(select(schema.deposits).where(schema.deposits.c.id == deposit))
        if row is None or row["state"] != UPROOTED:
            return None
        standing = await _standing(context, row)
        if not standing.covers and not standing.barred:
            reason = f"{network.id} took back deposit {deposit}, and what is left does not cover it"
            await freeze_customer(context, actor, row["owner"], reason)
            point("take_back.after_freeze")
        elif not standing.covers and await _is_cancelled(context, actor, row):
            point("take_back.after_cancel")
        else:
            try:
                await _book(context, actor, network, row, standing, why)
            except _CHANGED:
                continue
            point("take_back.after_book")
            return {**row, "state": CHARGED_BACK, "reason": REORG, "height": None}


@dataclass(frozen=True, slots=True)
class _Standing:
    """`covers`: what is available pays for it. `barred`: nothing can be spent from the account meanwhile."""

    covers: bool
    barred: bool


async def _standing(context: Context, row: Record) -> _Standing:
    if row["owner"] == HOUSE:
        return _Standing(covers=True, barred=False)
    account = customer_balance(CustomerId(row["owner"]), context.asset(row["asset"]))
    found = await context.one(select(schema.accounts).where(schema.accounts.c.id == account.id))
    if found is None:
        raise AssertionError(f"{row['id']} was credited and {account.id} does not exist")
    available = found["credits_posted"] - found["debits_posted"] - found["debits_pending"]
    return _Standing(available >= row["units"], bool(found["flags"] & (Flags.FROZEN | Flags.CLOSED)))


async def _is_cancelled(context: Context, actor: str, row: Record) -> bool:
    """Holds of withdrawals that nobody has signed are only wishes: they end, the newest first, until what is free covers the
    loss. What is signed may be paid whatever we say, and goes on."""
    owner = CustomerId(row["owner"])
    return await cancel_newest_unsigned(context, actor, owner, row["asset"], Reason.DEPOSIT_TAKEN_BACK)


async def _book(
    context: Context, actor: str, network: Network, row: Record, standing: _Standing, why: str | None
) -> None:
    asset = context.asset(row["asset"])
    values = {"state": CHARGED_BACK, "reason": REORG, "height": None, "block": None}
    step = await moved(context, row, EventKind.DEPOSIT_CHARGED_BACK, values)
    entry = await _entry(context, network, row, asset, standing)
    result = {"id": row["id"], "why": why} if why else {}
    await context.journal.commit(replace(step, actor=actor, entry=entry, result=result))
    _log.error("deposit_taken_back", deposit=row["id"], network=network.id, covered=standing.covers)


async def _entry(context: Context, network: Network, row: Record, asset: Asset, standing: _Standing) -> Entry:
    amount = amount_of(context, row)
    if row["owner"] == HOUSE:
        return templates.funding_taken_back(network.id, amount)
    owner, place = CustomerId(row["owner"]), await place_of(context, network, row, asset)
    if standing.covers and not standing.barred:  # said plainly, so that the Journal refuses it if that has changed
        return templates.deposit_taken_back(owner, place, amount)
    return templates.charged_back(owner, place, amount)
