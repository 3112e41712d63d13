"""`coffer export`: the whole books, a customer's or one account's transfers as a file, read beside a running node."""

import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from api.moments import read_moment
from node.command_line import counted
from wallet.context import Context
from wallet.customers.create import find_customer
from wallet.errors import NotFound, PeriodRefused
from wallet.exports.files import FileForm, file_of
from wallet.exports.hledger import hledger_journal
from wallet.exports.transfers import ACCOUNT_NAMES, BOOK_NAMES, account_rows, book_rows
from wallet.ledger.accounts import owner_of
from wallet.ledger.moments import MomentArchived
from wallet.movements.chunks import accounts_of, movements_of_accounts, movements_of_books
from wallet.movements.movement import Movement
from wallet.movements.span import Period, Span, span_of

Say = Callable[[str], None]

TELL_EVERY_S = 1.0


class ExportForm(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    HLEDGER = "hledger"


@dataclass(frozen=True, slots=True)
class ExportWanted:
    """`account` is an account's id, `customer` a handle or an id; neither: the whole books. `file` None: standard output."""

    form: ExportForm
    account: str | None
    customer: str | None
    period: Period
    file: Path | None


def read_wanted(
    form: str, account: str | None, customer: str | None, start: str | None, end: str | None, file: Path | None
) -> ExportWanted:
    """Raises `ValueError` for what makes no sense, in a line for people."""
    if form not in set(ExportForm):
        raise ValueError(f"--format is {' or '.join(ExportForm)}")
    if form == ExportForm.HLEDGER and start is not None:
        raise ValueError("a journal for hledger begins with the books: leave out --from")
    if account is not None and customer is not None:
        raise ValueError("name an account or a customer, not both")
    moments = [None if text is None else read_moment(text) for text in (start, end)]
    try:
        return ExportWanted(ExportForm(form), account, customer, Period(*moments), file)
    except PeriodRefused as refused:
        raise ValueError(refused.message) from None


async def export(context: Context, wanted: ExportWanted, say: Say) -> int:
    """Exit status 0. Raises `NotFound`, `MomentArchived`, `PeriodRefused`, OSError; a file under its name is whole."""
    span = await span_of(context, wanted.period)
    if span.after and wanted.period.start is None:
        say(f"rows up to {span.after:,} of the journal were archived: the file begins after them")
    told, accounts = _Progress(span, say), await _accounts(context, wanted)
    parts = _hledger if wanted.form is ExportForm.HLEDGER else _rows
    with _opened(wanted.file) as file:
        async for part in parts(context, wanted, span, accounts, told):
            file.write(part)
    told.end()
    return 0


def _rows(
    context: Context, wanted: ExportWanted, span: Span, accounts: list[str] | None, told: "_Progress"
) -> AsyncGenerator[bytes, None]:
    form = FileForm(wanted.form)
    if accounts is None:
        return file_of(form, BOOK_NAMES, book_rows(context, told.passing(movements_of_books(context, span))))
    found = told.passing(movements_of_accounts(context, accounts, span))
    return file_of(form, ACCOUNT_NAMES, account_rows(context, found))


def _hledger(
    context: Context, _wanted: ExportWanted, span: Span, accounts: list[str] | None, told: "_Progress"
) -> AsyncGenerator[bytes, None]:
    """Raises `MomentArchived` where the beginning of the books was moved to files: there would be balances without a reason."""
    if span.after:
        raise MomentArchived
    whole = movements_of_books(context, span)
    found = whole if accounts is None else movements_of_accounts(context, accounts, span)
    return hledger_journal(context.assets, told.passing(found))


async def _accounts(context: Context, wanted: ExportWanted) -> list[str] | None:
    if wanted.account is not None:
        owner = owner_of(wanted.account)
        if wanted.account not in await accounts_of(context, owner):
            raise NotFound("account", wanted.account)
        return [wanted.account]
    if wanted.customer is not None:
        return await accounts_of(context, str((await find_customer(context, wanted.customer))["id"]))
    return None


@contextmanager
def _opened(file: Path | None) -> Iterator[BinaryIO]:
    """A new file gets its name when it is whole and on the disk; nobody else may read it."""
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        yield opened
        opened.flush()
        os.fsync(opened.fileno())
    draft.rename(file)


class _Progress:
    """A line a second at most, and one at the end."""

    def __init__(self, span: Span, say: Say) -> None:
        self._span, self._say, self._count, self._told = span, say, 0, monotonic()

    async def passing(self, chunks: AsyncIterator[list[Movement]]) -> AsyncIterator[list[Movement]]:
        async for found in chunks:
            yield found
            self._count += len(found)
            if found and monotonic() - self._told >= TELL_EVERY_S:
                self._told = monotonic()
                done, of = found[-1].seq - self._span.after, self._span.upto - self._span.after
                self._say(f"{counted(self._count, 'movement')}, {done * 100 // max(of, 1)} % of the journal's rows")

    def end(self) -> None:
        self._say(f"{counted(self._count, 'movement')}, up to row {self._span.upto:,} of the journal")
