"""The references that payers quote, and the accounts that we pay to.

A deposit "address" at a bank is a creditor reference (ISO 11649): RF, two check digits, two letters for the branch, ten
digits of the index. A mistyped one is invalid or, at worst, unknown; it never becomes another customer's by one slip.
"""

import re
from collections.abc import Iterable

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum.iso7064 import mod_97_10

from wallet.ports import Branch, Derived, Destination

INDEX_MAX = 10**10 - 1
NAME_MAX = 70  # EPC rulebook: name of the beneficiary
_LETTERS = {Branch.DEPOSIT: "CF", Branch.HOUSE: "CH"}  # no letter that looks like a digit
_REFERENCE = re.compile(r"(?=(RF[0-9]{2}(?:CF|CH)[0-9]{10}))", re.ASCII)
_NOISE = re.compile(r"[^A-Z0-9]", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")  # EPC217-08


def derive(branch: Branch, index: int) -> Derived:
    """The reference at this place of the branch."""
    if not 0 <= index <= INDEX_MAX:
        raise ValueError(f"a reference's index lies between 0 and {INDEX_MAX}")
    body = f"{_LETTERS[branch]}{index:010d}"
    return Derived(f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}", f"sepa/{branch}/{index}")


def find_references(texts: Iterable[str]) -> frozenset[str]:
    """All valid references of our shape in what a payer wrote, in whatever grouping and case."""
    squeezed = [_NOISE.sub("", text.upper()) for text in texts]
    found = {match.group(1) for text in squeezed for match in _REFERENCE.finditer(text)}
    return frozenset(reference for reference in found if mod_97_10.is_valid(reference[4:] + reference[:4]))


def check_destination(destination: Destination, own_iban: str) -> Destination:
    """The destination with its IBAN in canonical form. Raises `ValueError` with a reason that people understand."""
    return Destination(_check_iban(destination.address, own_iban), check_name(destination.name))


def _check_iban(text: str, own_iban: str) -> str:
    compact = text.replace(" ", "").upper() if text.isascii() else ""
    if not _IBAN.fullmatch(compact):
        raise ValueError("an IBAN is two letters, two check digits and 11 to 30 letters and digits")
    iban = _parse_iban(compact)
    if not iban.in_sepa_zone:
        raise ValueError(f"accounts in {compact[:2]} are outside the single euro payments area")
    if compact == own_iban:
        raise ValueError("this is the account of the node itself")
    return compact


def _parse_iban(compact: str) -> IBAN:
    try:
        return IBAN(compact)
    except SchwiftyException as error:
        raise ValueError(f"this IBAN is not valid: {_reason(error)}") from error


def _reason(error: SchwiftyException) -> str:
    """The kind of mistake; never the number itself, which would end in logs."""
    reasons = {
        "InvalidChecksumDigits": "its check digits do not fit",
        "InvalidLength": "its length is not that of its country",
        "InvalidCountryCode": "there is no such country",
        "InvalidStructure": "its parts are not those of its country",
    }
    return reasons.get(type(error).__name__, "its structure is not that of its country")


def check_name(name: str | None) -> str:
    """The account holder as SEPA carries it. A character outside the scheme's set is refused, never replaced in silence:
    banks compare the name with the account's."""
    stripped = (name or "").strip(" ")
    if not 1 <= len(stripped) <= NAME_MAX:
        raise ValueError(f"the account holder's name is needed, with at most {NAME_MAX} characters")
    for character in stripped:
        if character not in _NAME:
            raise ValueError(
                f"the account holder's name has {_show(character)}, which SEPA does not carry: write it with the letters "
                "a to z, digits and / - ? : ( ) . , ' +"
            )
    if stripped.startswith("/") or stripped.endswith("/") or "//" in stripped:
        raise ValueError("the account holder's name must not begin or end with / nor have // in it")
    return stripped


def check_bic(bic: str | None) -> str | None:
    """The bank's identifier (ISO 9362) in canonical form, or None where the IBAN alone names the bank."""
    if not bic:
        return None
    try:
        return BIC(bic).compact
    except SchwiftyException as error:
        raise ValueError("this BIC is not valid") from error


def _show(character: str) -> str:
    return f'"{character}"' if character.isprintable() else f"the character U+{ord(character):04X}"
