"""The figures at both ends of a period, and whether it is over."""

from dataclasses import dataclass
from datetime import datetime

from wallet.context import Context
from wallet.ids import CustomerId
from wallet.journal.begin_day import is_over
from wallet.ledger.accounts import Account, shown_sign
from wallet.ledger.balances import Standing, past_standings
from wallet.ledger.moments import MomentToCome
from wallet.movements.span import Period, Span, span_of


@dataclass(frozen=True, slots=True)
class Statement:
    """One account in one period. `is_final`: nothing can be booked in the period any more. Figures are in base units; a
    receivable's are what is owed, so they grow where the ledger debits it."""

    account: Account
    start: datetime
    end: datetime
    is_final: bool
    span: Span
    opening: Standing
    closing: Standing


async def open_statement(context: Context, account: Account, start: datetime, end: datetime) -> Statement:
    """Raises `PeriodRefused`, `MomentToCome` for a period that ends after now, `MomentArchived`."""
    period = Period(start, end)
    is_final = await is_over(context, end)  # looked at first: once it is over, what follows finds all of it
    if not is_final and end > context.clock.now():
        raise MomentToCome(end)
    span = await span_of(context, period)
    opening, closing = [await _standing(context, account, seq) for seq in (span.after, span.upto)]
    return Statement(account, start, end, is_final, span, opening, closing)


async def _standing(context: Context, account: Account, seq: int) -> Standing:
    found = (await past_standings(context, CustomerId(account.owner), seq)).get((account.code, account.asset.symbol))
    standing = found or Standing()
    return Standing(shown_sign(account.code) * standing.posted, standing.held)
