"""Reading balances and history. Posted is settled, held is promised, available is what may be spent."""

from typing import Any

from sqlalchemy import and_, or_, select

from wallet import schema
from wallet.context import Context
from wallet.ids import CustomerId
from wallet.journal.body import time_text
from wallet.ledger.accounts import customer_balance
from wallet.money import format_units


async def balances(context: Context, owner: CustomerId) -> list[dict[str, str]]:
    """One item per listed asset, also where nothing has ever arrived."""
    table = schema.accounts
    rows = await context.all(select(table).where(table.c.owner == owner, table.c.code == "balance"))
    by_asset = {row["asset"]: row for row in rows}
    return [_balance(symbol, asset.decimals, by_asset.get(symbol)) for symbol, asset in sorted(context.assets.items())]


def _balance(symbol: str, decimals: int, row: Any) -> dict[str, str]:
    posted = row["credits_posted"] - row["debits_posted"] if row else 0
    held = row["debits_pending"] if row else 0
    figures = {"posted": posted, "held": held, "available": posted - held}
    return {"asset": symbol, **{name: format_units(units, decimals) for name, units in figures.items()}}


async def history(
    context: Context, owner: CustomerId, symbol: str, before: tuple[int, int] | None, limit: int
) -> list[dict[str, Any]]:
    """The account's transfers, newest first, each with posted and held after it. `before` is the (seq, ordinal) of the last
    item seen; a page at any depth costs the same (keyset)."""
    asset = context.asset(symbol)
    account = customer_balance(owner, asset).id
    transfers, journal = schema.transfers, schema.journal
    mine = or_(transfers.c.debit_account == account, transfers.c.credit_account == account)
    statement = (
        select(transfers, journal.c.at, journal.c.kind).join(journal, journal.c.seq == transfers.c.seq).where(mine)
    )
    if before is not None:
        seq, ordinal = before
        earlier = and_(transfers.c.seq == seq, transfers.c.ordinal < ordinal)
        statement = statement.where(or_(transfers.c.seq < seq, earlier))
    ordered = statement.order_by(transfers.c.seq.desc(), transfers.c.ordinal.desc()).limit(limit)
    return [_line(row, account, asset.decimals) for row in await context.all(ordered)]


def _line(row: Any, account: str, decimals: int) -> dict[str, Any]:
    side = "debit" if row["debit_account"] == account else "credit"
    return {
        "position": (row["seq"], row["ordinal"]),
        "move": row["move"],
        "direction": "out" if side == "debit" else "in",
        "kind": row["kind"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "posted_after": format_units(row[f"{side}_posted_after"], decimals),
        "held_after": format_units(row[f"{side}_held_after"], decimals),
        "at": time_text(row["at"]),
    }
