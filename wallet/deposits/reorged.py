"""What reorgs took away after it was credited, and who bears it: what a person looks at before a network goes on."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select

from wallet import schema
from wallet.context import Context, Record
from wallet.deposits.states import CHARGED_BACK, UPROOTED
from wallet.deposits.take_back import REORG
from wallet.deposits.view import deposit_view
from wallet.ledger.accounts import Flags
from wallet.money import format_units

SHOWN_MAX = 1_000


async def reorged_deposits(context: Context) -> Sequence[dict[str, object]]:
    """The newest, oldest first: each deposit with what its owner owes in the asset now, and whether they are frozen."""
    table = schema.deposits
    gone = and_(table.c.state == CHARGED_BACK, table.c.reason == REORG)
    wanted = select(table).where(or_(table.c.state == UPROOTED, gone)).order_by(table.c.id.desc()).limit(SHOWN_MAX)
    return [await _told(context, row) for row in reversed(await context.all(wanted))]


async def _told(context: Context, row: Record) -> dict[str, object]:
    decimals, table = context.asset(row["asset"]).decimals, schema.accounts
    mine = select(table).where(table.c.owner == row["owner"], table.c.asset == row["asset"])
    accounts = {
        each["code"]: each for each in await context.all(mine.where(table.c.code.in_(("balance", "receivable"))))
    }
    owed = accounts.get("receivable")
    balance = accounts.get("balance")
    units = owed["debits_posted"] - owed["credits_posted"] if owed is not None else 0
    frozen = balance is not None and bool(balance["flags"] & Flags.FROZEN)
    return {**deposit_view(row, decimals), "owed": format_units(units, decimals), "frozen": frozen}
