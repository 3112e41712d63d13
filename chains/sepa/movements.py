"""A statement's entries as single movements of value. One batch entry may be many; iterate details, never entries."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chains.sepa.camt import Statement
from chains.sepa.entries import Detail, Entry, EntryState

# What banks write where they have no reference of their own.
_NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", "NOREF", "NONE", "N/A"})
_ZEROS = re.compile(r"0+")
# Withdrawals and submissions of ours as banks carry them (`payout.bank_reference`).
_OWN = re.compile(r"(?:wdr|sub)-[0-9a-z-]{1,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Movement:
    """`ordinal` counts the entries of the statement from 0, `index` the details of the entry. `detail` is None where the
    bank gives none, or gives some that do not come to the entry (`doubt`)."""

    entry: Entry
    ordinal: int
    index: int
    units: int
    credit: bool
    detail: Detail | None
    doubt: str | None = None

    @property
    def booked(self) -> bool:
        return self.entry.state is EntryState.BOOKED

    @property
    def reference(self) -> str | None:
        """The bank's own reference, by which a pending entry is known again when it is booked. The entry's running number
        (`NtryRef`) is none: banks begin it anew in each statement."""
        detail = self.detail.servicer_reference if self.detail is not None else None
        reference = self.entry.servicer_reference or detail
        if reference is None or reference.upper() in _NO_REFERENCE or _ZEROS.fullmatch(reference):
            return None
        return reference


def movements(statement: Statement) -> Iterator[Movement]:
    """All that moved or is about to, in the statement's order. Information, future entries and zeros move nothing."""
    for ordinal, entry in enumerate(statement.entries):
        if entry.state in {EntryState.BOOKED, EntryState.PENDING}:
            yield from (movement for movement in _of_entry(entry, ordinal) if movement.units)


def _of_entry(entry: Entry, ordinal: int) -> Iterable[Movement]:
    if not entry.details:
        return [Movement(entry, ordinal, 0, entry.units, entry.credit, None)]
    only = entry.details[0]
    if len(entry.details) == 1 and only.units is None:
        return [Movement(entry, ordinal, 0, entry.units, entry.credit, only)]
    if not _comes_to(entry):
        return [Movement(entry, ordinal, 0, entry.units, entry.credit, None, "details_disagree")]
    return [
        Movement(entry, ordinal, index, detail.units or 0, detail.credit, detail)
        for index, detail in enumerate(entry.details)
    ]


def _comes_to(entry: Entry) -> bool:
    if any(detail.units is None for detail in entry.details):
        return False
    total = sum((detail.units or 0) if detail.credit else -(detail.units or 0) for detail in entry.details)
    return total == entry.signed_units


def own_name(movement: Movement) -> str | None:
    """Which payment, or else which payout file, of ours a debit says it carries out. None for all other movements, and for
    a direct debit: its references are the collector's to choose."""
    if movement.credit or movement.entry.reversal or movement.doubt is not None or movement.entry.family == "RDDT":
        return None
    detail = movement.detail
    itemised = [detail.end_to_end, detail.batch] if detail is not None else []
    named = (_own(name) for name in [*itemised, movement.entry.batch])
    return next(filter(None, named), None)


def is_return(movement: Movement) -> bool:
    """A payout of ours that comes back. Banks say so by the reversal indicator, by the code, by return information, or only
    by the reference that we gave the payment."""
    entry, detail = movement.entry, movement.detail
    said_by_detail = detail is not None and (detail.returned or _own(detail.end_to_end) is not None)
    return movement.credit and (entry.reversal or entry.family == "RRTN" or said_by_detail)


def returned_payout(movement: Movement) -> str | None:
    """Which payout of ours comes back, by our own id, where the bank itself says that it is a return. By its reference alone it
    could be anybody's payment: payers choose theirs."""
    detail = movement.detail
    if detail is None or not movement.credit or movement.doubt is not None:
        return None
    said = movement.entry.reversal or movement.entry.family == "RRTN" or detail.returned
    name = _own(detail.end_to_end)
    return name.replace("-", "_", 1) if said and name is not None else None


def _own(name: str | None) -> str | None:
    return name.lower() if name is not None and _OWN.fullmatch(name.lower()) else None
