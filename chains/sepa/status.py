"""What became of a payout file. Only a statement tells: a file that the bank took away is not yet a payment."""

from collections import Counter
from datetime import timedelta

from chains.sepa.history import Glance, History
from chains.sepa.payout import PayoutFile
from chains.sepa.submit import Place
from wallet.money import Amount
from wallet.ports import BlockRef, Fate, Status

LOOK_BACK = timedelta(
    days=3
)  # statements dated before the file by more than clocks and time zones differ cannot name it
LOOK_BACK_MIN = 30  # but so many are always looked at, whatever their dates


class PayoutDisagrees(Exception):
    """The bank booked one of the payments with another amount, or more often than once."""


async def booked_in(file: PayoutFile, history: History, tip: int) -> BlockRef | None:
    """The statement that completes the file's payments; None while one is missing. Raises `PayoutDisagrees`."""
    wanted = {payment.end_to_end.lower(): payment.units for payment in file.payments}
    batch = file.message_id.lower()
    found: Counter[str] = Counter()
    newest: BlockRef | None = None
    for glance in await _look_back(file, history, tip):
        for debit in glance.debits:
            if debit.reference in wanted or debit.reference == batch:
                found[debit.reference] += debit.units
                newest = newest or glance.ref
    if found.pop(batch, 0) == file.control_units and not found:
        return newest
    for reference, units in found.items():
        if units != wanted[reference]:
            raise PayoutDisagrees(f"the bank booked {reference} with another amount than was ordered")
    return newest if len(found) == len(wanted) else None


def status_of(block: BlockRef | None, place: Place, free: Amount) -> Status:
    """Booked is final. Released and not yet booked is pending; all else the bank does not know."""
    if block is not None:
        return Status(Fate.FINAL, block=block, fee_paid=free)
    return Status(Fate.PENDING if place in {Place.OUT, Place.TAKEN} else Fate.UNKNOWN)


async def _look_back(file: PayoutFile, history: History, tip: int) -> list[Glance]:
    """The newest first."""
    oldest = file.created_at.date() - LOOK_BACK
    seen: list[Glance] = []
    for height in range(tip, 0, -1):
        glance = await history.glance(height)
        if glance.closed_on < oldest and len(seen) >= LOOK_BACK_MIN:
            break
        seen.append(glance)
    return seen
