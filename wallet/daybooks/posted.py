"""What happened between the ends of a day, with the proof that it leads from one to the other."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

from wallet.context import Context
from wallet.daybooks.open import OWN, SUB_ACCOUNTS, Daybook, Group
from wallet.ledger.accounts import shown_sign
from wallet.ledger.balances import Standing
from wallet.movements.chunks import movements_of_platform
from wallet.movements.movement import Movement, MovementsWrong


@dataclass(slots=True)
class GroupTotals:
    """What went in and out of a group's accounts, between two of them too."""

    total_in: int = 0
    total_out: int = 0
    held: int = 0

    def add(self, posted: int, held: int) -> None:
        self.total_in += max(posted, 0)
        self.total_out += max(-posted, 0)
        self.held += held


async def movements_of_day(
    context: Context, daybook: Daybook, totals: dict[Group, GroupTotals]
) -> AsyncIterator[list[Movement]]:
    """All of them in the one order, added up into `totals`. Raises `MovementsWrong` if they do not lead from the opening to the
    closing figures."""
    async for found in movements_of_platform(context, daybook.platform, daybook.span):
        for one in found:
            group = group_of(daybook.platform, one)
            totals.setdefault(group, GroupTotals()).add(shown_sign(group[1]) * one.posted_change, one.held_change)
        yield found
    for group in groups_of(daybook, totals):
        came_to = _came_to(daybook.opening.get(group, Standing()), totals.get(group, GroupTotals()))
        if came_to != daybook.closing.get(group, Standing()):
            raise MovementsWrong(f"{group}: the day's movements come to {came_to}, not {daybook.closing.get(group)}")


def _came_to(opening: Standing, totals: GroupTotals) -> Standing:
    return Standing(opening.posted + totals.total_in - totals.total_out, opening.held + totals.held)


def group_of(platform: str, movement: Movement) -> Group:
    owner, code, asset = movement.account.split(":")
    return (OWN if owner == platform else SUB_ACCOUNTS, code, asset)


def groups_of(daybook: Daybook, totals: Mapping[Group, GroupTotals]) -> Iterator[Group]:
    """In their order: those that had something, or in which something happened."""
    yield from sorted({*daybook.opening, *daybook.closing, *totals})
