"""Reading balances. Posted is settled, held is promised, available is what may be spent."""

from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.ids import CustomerId
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
