"""What a bank statement says (ISO 20022 camt.053, versions 02, 03 and 08), as plain facts in whole cents.

Nothing is judged against other statements here; but a statement that speaks of another account or currency, lacks its
booked balances, or does not add up to the cent is refused whole, because no part of it can be believed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from lxml import etree

from chains.sepa.account import Account
from chains.sepa.document import DocumentRefused, nodes_at, parse_document, text_at
from chains.sepa.entries import Entry, EntryState, read_entry
from chains.sepa.figures import amount_at, credit_at, day, exact_units, moment, moment_at
from wallet.money import format_units

MESSAGES = ("camt.053.001.02", "camt.053.001.03", "camt.053.001.08")


@dataclass(frozen=True, slots=True)
class Statement:
    """`opens_interim` and `closes_interim` tell that an interim balance (ITBD) stands where a page was torn off the
    statement. `closed_on` is the date of the closing balance."""

    id: str
    sequence: int | None
    first_page: int
    page: int
    opens_interim: bool
    closes_interim: bool
    opening_units: int
    closing_units: int
    currency: str
    created_at: datetime
    closed_on: date
    period_from: datetime | None
    period_to: datetime | None
    entries: tuple[Entry, ...]

    def says_the_same(self, other: "Statement") -> bool:
        """Equal in all that we use; when the bank made the document does not count."""
        return replace(self, created_at=other.created_at) == other


def read_statements(raw: bytes, account: Account) -> tuple[Statement, ...]:
    """The statements of one file in its order, pages that follow each other joined. Raises `DocumentRefused`."""
    root = parse_document(raw, MESSAGES)
    try:
        pages = [_read_page(root, node, account) for node in nodes_at(root, "BkToCstmrStmt/Stmt")]
    except (ArithmeticError, ValueError) as error:
        raise _refusal(error) from error
    statements = tuple(_join_pages(pages))
    for statement in statements:
        _check_sum(statement, account)
    return statements


def _refusal(error: Exception) -> DocumentRefused:
    return error if isinstance(error, DocumentRefused) else DocumentRefused("has a date or number out of range")


def _join_pages(pages: Sequence[Statement]) -> Iterable[Statement]:
    joined: Statement | None = None
    for page in pages:
        if joined is not None and (joined.id, joined.page + 1) == (page.id, page.first_page):
            joined = _join(joined, page)
            continue
        if joined is not None:
            yield joined
        joined = page
    if joined is not None:
        yield joined


def _join(first: Statement, second: Statement) -> Statement:
    return replace(
        first,
        page=second.page,
        closes_interim=second.closes_interim,
        closing_units=second.closing_units,
        closed_on=second.closed_on,
        period_to=second.period_to,
        entries=first.entries + second.entries,
    )


def _check_sum(statement: Statement, account: Account) -> None:
    booked = sum(entry.signed_units for entry in statement.entries if entry.state is EntryState.BOOKED)
    moved = statement.closing_units - statement.opening_units
    if booked != moved:
        decimals = account.asset.decimals
        raise DocumentRefused(
            f"statement {statement.id} does not add up: its booked entries come to {format_units(booked, decimals)}, "
            f"its balances differ by {format_units(moved, decimals)}"
        )


# ── a statement ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_page(root: etree._Element, node: etree._Element, account: Account) -> Statement:
    statement_id = text_at(node, "Id")
    if statement_id is None:
        raise DocumentRefused("a statement has no id")
    _check_account(node, account)
    page = _page(root, node)
    opening, closing = _balances(node, page, account)
    created = text_at(node, "CreDtTm") or text_at(root, "BkToCstmrStmt/GrpHdr/CreDtTm") or ""
    return Statement(
        id=statement_id,
        sequence=_sequence(node),
        first_page=page,
        page=page,
        opens_interim=opening.code == "ITBD",
        closes_interim=closing.code == "ITBD",
        opening_units=opening.units,
        closing_units=closing.units,
        currency=account.asset.symbol,
        created_at=moment(created),
        closed_on=closing.on,
        period_from=moment_at(node, "FrToDt/FrDtTm"),
        period_to=moment_at(node, "FrToDt/ToDtTm"),
        entries=tuple(read_entry(entry, account) for entry in nodes_at(node, "Ntry")),
    )


def _check_account(node: etree._Element, account: Account) -> None:
    iban = (text_at(node, "Acct/Id/IBAN", "Acct/Id/Othr/Id") or "").replace(" ", "").upper()
    if iban != account.iban:
        raise DocumentRefused("speaks of another account")
    if text_at(node, "Acct/Ccy") not in {None, account.asset.symbol}:
        raise DocumentRefused(f"the account's currency is not {account.asset.symbol}")


def _page(root: etree._Element, node: etree._Element) -> int:
    return int(text_at(node, "StmtPgntn/PgNb") or text_at(root, "BkToCstmrStmt/GrpHdr/MsgPgntn/PgNb") or "1")


def _sequence(node: etree._Element) -> int | None:
    text = text_at(node, "ElctrncSeqNb", "LglSeqNb")
    return None if text is None else exact_units(text, 0)


# ── balances ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Balance:
    code: str
    units: int
    on: date


def _balances(node: etree._Element, page: int, account: Account) -> tuple[_Balance, _Balance]:
    """Opening and closing booked balance; on a page in the middle of a statement its first and last interim balance."""
    balances = [_read_balance(balance, account) for balance in nodes_at(node, "Bal")]
    interim = [balance for balance in balances if balance.code == "ITBD"]
    opening = _only(balances, {"OPBD", "PRCD"}, "opening") or (interim[0] if page > 1 and interim else None)
    closing = _only(balances, {"CLBD"}, "closing") or (interim[-1] if interim else None)
    if opening is None or closing is None or opening is closing:
        raise DocumentRefused("the opening or the closing booked balance is missing")
    return opening, closing


def _only(balances: Sequence[_Balance], codes: set[str], name: str) -> _Balance | None:
    found = [balance for balance in balances if balance.code in codes]
    if len({balance.units for balance in found}) > 1:
        raise DocumentRefused(f"has {name} booked balances that differ")
    return found[0] if found else None


def _read_balance(node: etree._Element, account: Account) -> _Balance:
    units = amount_at(node, "Amt", account)
    if units is None:
        raise DocumentRefused(f"has a balance that is not in {account.asset.symbol}")
    code = text_at(node, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry") or ""
    return _Balance(code, units if credit_at(node) else -units, day(text_at(node, "Dt/Dt", "Dt/DtTm") or ""))
