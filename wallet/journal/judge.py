"""Judging Changes in order, on a copy of the balances. Pure: values in, a verdict out, nothing read or written.

Each Change that does not fit is refused alone and leaves no trace in the copy. Versions are advanced in memory through
the batch, so that the second writer of a row in one batch is refused; the database alone would drop one update silently.
"""

from typing import assert_never

import msgspec
from msgspec.structs import replace

from wallet.errors import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AlreadyExists,
    BalanceOverflow,
    BeyondObserved,
    HoldNotOpen,
    InsufficientFunds,
    Stale,
    Unmetered,
)
from wallet.journal.change import Ceiling, Change, Insert, Update
from wallet.ledger.accounts import Account, Flags
from wallet.ledger.transfers import Move, Transfer
from wallet.money import UNITS_MAX, Amount
from wallet.schema import UNIQUE

_NO_OVERDRAFT, _NO_OVERSPEND = int(Flags.NO_OVERDRAFT), int(Flags.NO_OVERSPEND)
_FROZEN, _CLOSED, _METERED = int(Flags.FROZEN), int(Flags.CLOSED), int(Flags.METERED)

RowKey = tuple[str, str]
UniqueKey = tuple[str, tuple[str, ...], tuple[object, ...]]


class ForgedTransfer(ValueError):
    """A transfer that cannot be: of nothing, to itself, across assets. A fault of ours, so no `Refusal`."""


class Totals(msgspec.Struct, frozen=True, gc=False):
    """An account's four totals in base units, and its `Flags`.

    No dataclass, since the writer keeps hundreds of thousands for as long as it lives and makes two per transfer: these the
    garbage collector does not walk. The flags are a plain int, because an enum's `&` is a call into Python."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    flags: int = 0

    @property
    def posted(self) -> int:
        """Credits less debits: what is owed to the owner; negative on accounts that hold things."""
        return self.credits_posted - self.debits_posted

    @property
    def available(self) -> int:
        return self.credits_posted - self.debits_posted - self.debits_pending


class OpenHold(msgspec.Struct, frozen=True, gc=False):
    debit: str
    credit: str
    asset: str
    units: int
    remaining: int


class JudgedTransfer(msgspec.Struct, frozen=True, gc=False):
    transfer: Transfer
    debit_after: Totals
    credit_after: Totals


class Known(msgspec.Struct):
    """What is so of everything that a batch touches, by the database and what the batch before has done (`lookups`).
    `totals` has no entry for an account that does not exist yet; a version is None for a row that does not exist."""

    totals: dict[str, Totals] = {}  # a copy for each, as of the others
    holds: dict[str, OpenHold] = {}
    versions: dict[RowKey, int | None] = {}
    taken: set[UniqueKey] = set()


def unique_keys(write: Insert) -> list[UniqueKey]:
    """The values that this insert claims for itself; NULLs claim nothing, as in SQL."""
    row, keys = write.row, []
    for columns in UNIQUE.get(write.table, ()):
        if row.get(columns[-1]) is not None:  # the one that is left out most
            values = tuple([row.get(name) for name in columns])
            if None not in values:
                keys.append((write.table, columns, values))
    return keys


def judge(change: Change, known: Known) -> list[JudgedTransfer]:
    """Accept: `known` is advanced and the transfers are returned with the totals after each. Refuse: raises a `Refusal`
    or `Stale`, and `known` is as before."""
    draft = Known()
    _judge_rows(change, known, draft)
    judged: list[JudgedTransfer] = []
    excused = _METERED if change.metered else 0
    for transfer in change.entry:
        if transfer.otherwise is None:
            judged.append(_judge_transfer(transfer, known, draft, excused))
        else:
            judged += _judge_balancing(transfer, transfer.otherwise, known, draft)
    for flag_change in change.flags:
        account = flag_change.account
        before, mask = _totals(account, known, draft), int(flag_change.mask)
        draft.totals[account.id] = replace(before, flags=before.flags & ~mask | int(flag_change.flags) & mask)
    for ceiling in change.ceilings:
        _refuse_beyond(ceiling, known, draft)
    for account in change.empty:
        _refuse_not_empty(account, known, draft)
    known.totals.update(draft.totals)
    known.versions.update(draft.versions)
    if draft.holds:
        known.holds.update(draft.holds)
    if draft.taken:
        known.taken |= draft.taken
    return judged


def _judge_rows(change: Change, known: Known, draft: Known) -> None:
    for need in change.requires:
        if _version((need.table, need.id), known, draft) != need.version:
            raise Stale(need.table, need.id)
    for write in change.writes:
        if isinstance(write, Insert):
            _judge_insert(write, known, draft)
        else:
            _judge_update(write, known, draft)


def _judge_insert(write: Insert, known: Known, draft: Known) -> None:
    key = (write.table, str(write.row["id"]))
    if _version(key, known, draft) is not None:
        raise AlreadyExists(write.table, "id")
    for claim in unique_keys(write):
        if claim in known.taken or claim in draft.taken:
            raise AlreadyExists(write.table, ", ".join(claim[1]))
        draft.taken.add(claim)
    draft.versions[key] = 1


def _judge_update(write: Update, known: Known, draft: Known) -> None:
    key = (write.table, write.id)
    if _version(key, known, draft) != write.version:
        raise Stale(write.table, write.id)
    draft.versions[key] = write.version + 1


def _version(key: RowKey, known: Known, draft: Known) -> int | None:
    return draft.versions[key] if key in draft.versions else known.versions[key]


def _totals(account: Account, known: Known, draft: Known) -> Totals:
    found = draft.totals.get(account.id) or known.totals.get(account.id)
    return found if found is not None else Totals(flags=int(account.opening_flags))


def _judge_transfer(transfer: Transfer, known: Known, draft: Known, excused: int = 0) -> JudgedTransfer:
    """`excused`: flags of the debited account that do not count here."""
    _refuse_forged(transfer)
    debit, credit = _totals(transfer.debit, known, draft), _totals(transfer.credit, known, draft)
    if transfer.move in (Move.POST, Move.HOLD):
        _refuse_flagged(transfer, debit.flags & ~excused, credit.flags)
    debit_after, credit_after = _applied(transfer, debit, credit)
    _refuse_uncovered(transfer, debit, debit_after, credit, credit_after)
    _follow_hold(transfer, known, draft)
    draft.totals[transfer.debit.id], draft.totals[transfer.credit.id] = debit_after, credit_after
    return JudgedTransfer(transfer, debit_after, credit_after)


def _judge_balancing(transfer: Transfer, otherwise: Account, known: Known, draft: Known) -> list[JudgedTransfer]:
    """The one or two plain transfers that it comes to now: what the guarded side covers, then the rest."""
    _refuse_forged(transfer)
    if transfer.debit.is_guarded:
        covered = _may_be_taken(_totals(transfer.debit, known, draft))
        rest = replace(transfer, debit=otherwise, otherwise=None)
    else:
        covered = max(-_totals(transfer.credit, known, draft).posted, 0)
        rest = replace(transfer, credit=otherwise, otherwise=None)
    units, asset = transfer.amount.units, transfer.amount.asset
    parts = ((replace(transfer, otherwise=None), min(units, covered)), (rest, max(units - covered, 0)))
    return [
        _judge_transfer(replace(p, amount=Amount(n, asset)), known, draft, _FROZEN | _METERED) for p, n in parts if n
    ]


def _may_be_taken(totals: Totals) -> int:
    """What an account gives to a loss of its owner's: all that is available, also of a frozen one, for a freeze is there
    to keep the owner from spending and not the house from its own. Holds are promises to others and are kept."""
    return 0 if totals.flags & _CLOSED else max(totals.available, 0)


def _refuse_forged(transfer: Transfer) -> None:
    """A transfer checks itself when it is made. Here once more, by the names that will be written, for whatever got round that:
    nothing of no amount, to itself or across two assets reaches the books."""
    debit, credit, amount = transfer.debit.id, transfer.credit.id, transfer.amount
    of_asset = ":" + amount.asset.symbol
    if not (debit.endswith(of_asset) and credit.endswith(of_asset)):
        raise ForgedTransfer(f"a transfer moves one asset, not {amount.asset.symbol} from {credit} to {debit}")
    if debit == credit or amount.units <= 0 or (transfer.hold is None) != (transfer.move is Move.POST):
        raise ForgedTransfer(f"no transfer: {transfer.move} of {amount.units} between {debit} and {credit}")


def _refuse_flagged(transfer: Transfer, debit: int, credit: int) -> None:
    if debit & _FROZEN:
        raise AccountFrozen(transfer.debit.id)
    if debit & _CLOSED:
        raise AccountClosed(transfer.debit.id)
    if credit & _CLOSED:
        raise AccountClosed(transfer.credit.id)
    if debit & _METERED and not transfer.fact:
        raise Unmetered(transfer.debit.owner)


def _applied(transfer: Transfer, debit: Totals, credit: Totals) -> tuple[Totals, Totals]:
    units = transfer.amount.units
    match transfer.move:
        case Move.POST:
            pending, posted = 0, units
        case Move.HOLD:
            pending, posted = units, 0
        case Move.SETTLE:
            pending, posted = -units, units
        case Move.VOID:
            pending, posted = -units, 0
        case _:
            assert_never(transfer.move)
    return (
        Totals(
            debit.debits_pending + pending,
            debit.debits_posted + posted,
            debit.credits_pending,
            debit.credits_posted,
            debit.flags,
        ),
        Totals(
            credit.debits_pending,
            credit.debits_posted,
            credit.credits_pending + pending,
            credit.credits_posted + posted,
            credit.flags,
        ),
    )


def _refuse_uncovered(
    transfer: Transfer, debit: Totals, debit_after: Totals, credit: Totals, credit_after: Totals
) -> None:
    if transfer.move in (Move.SETTLE, Move.VOID):
        if debit_after.debits_pending < 0 or credit_after.credits_pending < 0:
            raise HoldNotOpen(str(transfer.hold), "0")
    elif debit.flags & _NO_OVERDRAFT and debit_after.available < 0:
        raise InsufficientFunds(transfer.debit.id, transfer.amount, max(debit.available, 0))
    if credit.flags & _NO_OVERSPEND and credit_after.posted > 0 and not transfer.fact:
        raise InsufficientFunds(transfer.credit.id, transfer.amount, max(-credit.posted, 0))
    if debit_after.debits_posted + debit_after.debits_pending > UNITS_MAX:
        raise BalanceOverflow(transfer.debit.id)
    if credit_after.credits_posted + credit_after.credits_pending > UNITS_MAX:
        raise BalanceOverflow(transfer.credit.id)


def _refuse_beyond(ceiling: Ceiling, known: Known, draft: Known) -> None:
    booked = -sum(_totals(place, known, draft).posted for place in ceiling.places)
    if booked > ceiling.units:
        raise BeyondObserved(ceiling.places[0].asset, booked, ceiling.units)


def _refuse_not_empty(account: Account, known: Known, draft: Known) -> None:
    totals = _totals(account, known, draft)
    if totals.posted or totals.debits_pending or totals.credits_pending:
        raise AccountNotEmpty(account.id)


def _follow_hold(transfer: Transfer, known: Known, draft: Known) -> None:
    if transfer.hold is None:
        return
    units, name = transfer.amount.units, str(transfer.hold)
    found = draft.holds.get(name) or known.holds.get(name)
    if transfer.move is Move.HOLD:
        if found is not None:
            raise AlreadyExists("holds", "id")
        accounts = (transfer.debit.id, transfer.credit.id)
        draft.holds[name] = OpenHold(*accounts, transfer.amount.asset.symbol, units, units)
        return
    if (
        found is None
        or (found.debit, found.credit) != (transfer.debit.id, transfer.credit.id)
        or found.remaining < units
    ):
        raise HoldNotOpen(name, str(found.remaining if found else 0))
    draft.holds[name] = replace(found, remaining=found.remaining - units)
