"""What was posted in a statement's period, with the proof that it leads from its opening to its closing balance."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from wallet.context import Context
from wallet.ledger.accounts import shown_sign
from wallet.movements.chunks import movements_of_accounts
from wallet.movements.movement import Movement, MovementsWrong
from wallet.statements.open import Statement


@dataclass(slots=True)
class Turnover:
    """What has gone in and out so far, in base units, and the running balance."""

    balance: int
    count: int = 0
    total_in: int = 0
    total_out: int = 0

    def add(self, units: int, balance: int) -> None:
        """Raises `MovementsWrong` where the account's own figure after the movement is another."""
        self.count += 1
        self.balance += units
        self.total_in += max(units, 0)
        self.total_out += max(-units, 0)
        if self.balance != balance:
            raise MovementsWrong(f"{self.balance} base units after {self.count} movements, {balance} by the books")


@dataclass(slots=True)
class PostedStatement:
    """The movements of a statement, once through. `totals` are whole when they have all been read."""

    context: Context
    statement: Statement
    totals: Turnover = field(init=False)

    def __post_init__(self) -> None:
        self.totals = Turnover(self.statement.opening.posted)

    async def chunks(self) -> AsyncIterator[list[Movement]]:
        """Movements that were posted; what was only held or released is none. Raises `MovementsWrong`."""
        statement, account = self.statement, self.statement.account
        sign = shown_sign(account.code)
        async for found in movements_of_accounts(self.context, [account.id], statement.span):
            posted = [one for one in found if one.posted_change]
            for one in posted:
                self.totals.add(sign * one.posted_change, sign * one.posted_after)
            yield posted
        if self.totals.balance != statement.closing.posted:
            raise MovementsWrong(
                f"the movements come to {self.totals.balance}, not {statement.closing.posted} base units"
            )
