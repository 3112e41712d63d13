"""Figures in bank documents: amounts in whole cents, days, moments. Exact or refused."""

import re
from datetime import UTC, date, datetime

from lxml import etree

from chains.sepa.account import Account
from chains.sepa.document import DocumentRefused, node_at, text_at

_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?", re.ASCII)


def credit_at(node: etree._Element) -> bool:
    return text_at(node, "CdtDbtInd") == "CRDT"


def amount_at(node: etree._Element, path: str, account: Account) -> int | None:
    """Cents, or None where the amount is in another currency."""
    amount = node_at(node, path)
    if amount is None or amount.get("Ccy") != account.asset.symbol:
        return None
    return exact_units((amount.text or "").strip(), account.asset.decimals)


def exact_units(text: str, decimals: int) -> int:
    """An XML decimal (W3C XML Schema part 2, 3.2.3) in base units: "12.5", "0012.50", "+12." and ".5" are all lawful; more
    significant decimals than the currency has are refused with `DocumentRefused`, and so is a negative amount."""
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match.group(2) or match.group(3)):
        raise DocumentRefused("has a number that is not a decimal")
    sign, whole, fraction = match.group(1), match.group(2) or "0", (match.group(3) or "").rstrip("0")
    if len(fraction) > decimals:
        raise DocumentRefused(f"has an amount with more than {decimals} decimals")
    units = int(whole + fraction.ljust(decimals, "0"))
    if sign == "-" and units:
        raise DocumentRefused("has a negative amount")
    return units


def day(text: str) -> date:
    return date.fromisoformat(text[:10])


def moment_at(node: etree._Element, path: str) -> datetime | None:
    text = text_at(node, path)
    return None if text is None else moment(text)


def moment(text: str) -> datetime:
    """Aware, in UTC; a bank that names no zone is read as UTC."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
