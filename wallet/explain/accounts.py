"""Why a balance is what it is: what came in, what went out, what is held for what, and the last transfers that led there."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.holds.states import State as HoldState
from wallet.ledger.accounts import COLLECTED_CODES
from wallet.money import format_units
from wallet.movements.pages import PageWanted, read_page
from wallet.withdrawals.states import ENDED

_CODES = ("balance", "receivable", *COLLECTED_CODES)
MOVEMENTS_SHOWN = 5  # of each account: the history has them all


async def account_rows(context: Context, owner: str) -> list[Record]:
    """The rows of a customer's accounts that were ever used."""
    table = schema.accounts
    mine = select(table).where(table.c.owner == owner, table.c.code.in_(_CODES))
    return await context.all(mine.order_by(table.c.code, table.c.asset))


async def last_seqs(context: Context, account: str) -> list[int]:
    """Where its last transfers are."""
    page = await read_page(context, PageWanted((account,)), None, MOVEMENTS_SHOWN, ascending=False)
    return [movement.seq for movement in page.items]


async def open_holds(context: Context, owner: str) -> list[Record]:
    """What is promised of a customer's money and for what: `object` is the withdrawal, or the hold that a platform placed."""
    sent, placed = schema.withdrawals, schema.placed_holds
    wanted = select(sent).where(sent.c.owner == owner, sent.c.state.not_in(ENDED)).order_by(sent.c.id)
    names = {hold: row["id"] for row in await context.all(wanted) for hold in (row["hold"], row["fee_hold"])}
    by_platform = select(placed.c.id).where(placed.c.owner == owner, placed.c.state == HoldState.PLACED)
    names |= {row["id"]: row["id"] for row in await context.all(by_platform)}
    table = schema.holds
    held = select(table).where(table.c.id.in_(names), table.c.remaining > 0).order_by(table.c.id)
    return [{**row, "object": names[row["id"]]} for row in await context.all(held)]


def account_view(context: Context, row: Record, holds: Sequence[Record]) -> dict[str, Any]:
    """Figures of one account. A receivable is told as what is owed."""
    decimals = context.asset(row["asset"]).decimals
    came_in, went_out = row["credits_posted"], row["debits_posted"]
    if row["code"] == "receivable":
        came_in, went_out = went_out, came_in
    posted, held = came_in - went_out, row["debits_pending"]
    figures = {
        "came_in": came_in,
        "went_out": went_out,
        "posted": posted,
        "held": held,
        "available": posted - held,
    }
    mine = [hold for hold in holds if hold["debit"] == row["id"]]
    return {
        "account": row["code"],
        "asset": row["asset"],
        **{name: format_units(units, decimals) for name, units in figures.items()},
        "holds": [{"object": h["object"], "amount": format_units(h["remaining"], decimals)} for h in mine],
    }
