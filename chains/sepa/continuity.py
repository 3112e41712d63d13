"""Is this statement the next one? Each opens with the balance at which the one before closed, and carries the next number.

What this prevents: a day's statement that is skipped, taken twice, or replaced by another story of the same day.
"""

from dataclasses import dataclass

from chains.sepa.camt import Statement
from chains.sepa.statements import Accepted, NoticeState
from wallet.money import format_units


@dataclass(frozen=True, slots=True)
class Verdict:
    state: NoticeState
    reason: str


NEXT = Verdict(NoticeState.ACCEPTED, "taken in")


def judge(statement: Statement, last: Accepted | None, opening_units: int, decimals: int) -> Verdict:
    """Next, waiting or refused. The caller has made sure that it is not a statement that we know.

    `opening_units` is the balance with which the first statement must open.
    """
    if last is not None and last.closes_interim:
        return _judge_page(statement, last, decimals)
    if statement.opens_interim:
        return _waiting(f"page {statement.first_page - 1} of statement {statement.id} is missing")
    if last is None:
        return _judge_first(statement, opening_units, decimals)
    if statement.sequence is not None and last.sequence is not None:
        return _judge_by_sequence(statement, last, statement.sequence, last.sequence, decimals)
    return _judge_by_date(statement, last, decimals)


def same_statement(accepted: Accepted, statement: Statement) -> bool:
    """Do both claim to be the same statement of the bank? Some banks number their statements anew each year."""
    return (
        accepted.statement_id == statement.id
        and accepted.first_page <= statement.page
        and statement.first_page <= accepted.page
        and accepted.closed_on.year == statement.closed_on.year
    )


def _judge_page(statement: Statement, last: Accepted, decimals: int) -> Verdict:
    missing = f"page {last.page + 1} of statement {last.statement_id}"
    if statement.id != last.statement_id or statement.first_page > last.page + 1:
        return _waiting(f"{missing} is missing")
    if not statement.opens_interim or statement.opening_units != last.closing_units:
        return _refused(f"is no continuation: {missing} must open with {_money(last.closing_units, decimals)}")
    return NEXT


def _judge_first(statement: Statement, opening_units: int, decimals: int) -> Verdict:
    if statement.opening_units == opening_units:
        return NEXT
    opens = f"opens with {_money(statement.opening_units, decimals)}"
    expected = f"the first statement must open with {_money(opening_units, decimals)}"
    if statement.sequence == 1:
        return _refused(f"{opens}, but {expected}")
    return _waiting(f"{opens}: an earlier statement is missing ({expected})")


def _judge_by_sequence(statement: Statement, last: Accepted, number: int, number_last: int, decimals: int) -> Verdict:
    fits = statement.opening_units == last.closing_units
    next_year = statement.closed_on.year > last.closed_on.year
    missing = f"statement {number_last + 1} is missing (this is {number})"
    if number == number_last + 1:
        return NEXT if fits else _contradiction(statement, last, decimals)
    if number > number_last + 1:
        return _waiting(missing)
    if next_year:  # the bank may have begun to count anew
        return NEXT if fits and number == 1 else _waiting(f"{missing}, or statement 1 of {statement.closed_on.year}")
    if number == number_last:
        return _refused(f"has number {number}, as another statement that was taken in before")
    return _refused(f"is older than the last statement: it has number {number}, the last had {number_last}")


def _judge_by_date(statement: Statement, last: Accepted, decimals: int) -> Verdict:
    if statement.closed_on < last.closed_on:
        return _refused(
            f"is older than the last statement: it closes on {statement.closed_on}, the last on {last.closed_on}"
        )
    if statement.opening_units == last.closing_units:
        return NEXT
    return _waiting(
        f"opens with {_money(statement.opening_units, decimals)}: a statement that opens with "
        f"{_money(last.closing_units, decimals)} is missing before it"
    )


def _contradiction(statement: Statement, last: Accepted, decimals: int) -> Verdict:
    return _refused(
        f"is number {statement.sequence}, the next, but opens with {_money(statement.opening_units, decimals)}; "
        f"the last one closed with {_money(last.closing_units, decimals)}"
    )


def _waiting(reason: str) -> Verdict:
    return Verdict(NoticeState.WAITING, reason)


def _refused(reason: str) -> Verdict:
    return Verdict(NoticeState.REFUSED, reason)


def _money(units: int, decimals: int) -> str:
    return format_units(units, decimals)
