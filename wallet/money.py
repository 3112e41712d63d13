"""Amounts: whole numbers of base units, and the one grammar by which people write them down.

What this prevents: rounding that makes or loses money. There is no float, no Decimal and no division here; text becomes
base units exactly or is refused.
"""

import re

import msgspec

UNITS_MAX = 2**256 - 1  # what an EVM word holds; NUMERIC(78,0) stores it
DECIMALS_MAX = 36
AMOUNT_TEXT_MAX = 120  # 78 digits, a point and 36 decimals, with a little room
_GRAMMAR = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII)


class AmountMalformed(ValueError):
    """A text that is not an amount of this asset. The message never repeats the text: it may be hostile."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Asset(msgspec.Struct, frozen=True, order=True, gc=False):
    """What is counted. `decimals` is the scale of the ledger; a network may use another (`Listing.decimals`)."""

    symbol: str
    decimals: int

    def __post_init__(self) -> None:
        if not _SYMBOL.fullmatch(self.symbol):
            raise ValueError("an asset's symbol is 2 to 12 capital letters and digits")
        if not 0 <= self.decimals <= DECIMALS_MAX:
            raise ValueError(f"an asset has 0 to {DECIMALS_MAX} decimals")


class Amount(msgspec.Struct, frozen=True, gc=False):
    """Base units (cents, satoshi, wei) of one asset: 0 to 2^256 − 1. Arithmetic across assets raises `ValueError`."""

    units: int
    asset: Asset

    def __post_init__(self) -> None:
        if type(self.units) is not int:
            raise TypeError("an amount counts base units in int")
        if not 0 <= self.units <= UNITS_MAX:
            raise ValueError("an amount lies between 0 and 2^256 - 1")

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.units + self._same(other), self.asset)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.units - self._same(other), self.asset)

    def __lt__(self, other: "Amount") -> bool:
        return self.units < self._same(other)

    def __le__(self, other: "Amount") -> bool:
        return self.units <= self._same(other)

    def __bool__(self) -> bool:
        return self.units != 0

    def __str__(self) -> str:
        return f"{format_units(self.units, self.asset.decimals)} {self.asset.symbol}"

    def _same(self, other: "Amount") -> int:
        if other.asset != self.asset:
            raise ValueError(f"{self.asset.symbol} and {other.asset.symbol} do not add up")
        return other.units


def parse_amount(text: object, asset: Asset) -> Amount:
    """Read an ASCII decimal string exactly.

    Refuses with `AmountMalformed` everything but a `str` that matches `(0|[1-9][0-9]*)(\\.[0-9]+)?` in full, has at most
    the asset's decimals and stays within 2^256 − 1 base units. Too many decimals is an error, never a rounding.
    """
    whole, fraction = split_amount(text)
    if len(fraction) > asset.decimals:
        raise AmountMalformed(f"{asset.symbol} has at most {asset.decimals} decimals")
    units = int(whole + fraction.ljust(asset.decimals, "0"))
    if units > UNITS_MAX:
        raise AmountMalformed("an amount is at most 2^256 - 1 base units")
    return Amount(units, asset)


def split_amount(text: object) -> tuple[str, str]:
    """The digits before and after the point of what may be an amount of some asset. Raises `AmountMalformed`."""
    if not isinstance(text, str):
        raise AmountMalformed('an amount is a decimal string, such as "12.50"')
    if len(text) > AMOUNT_TEXT_MAX:
        raise AmountMalformed(f"an amount has at most {AMOUNT_TEXT_MAX} characters")
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise AmountMalformed('an amount is ASCII digits with at most one point, such as "12.50"')
    return match.group(1), match.group(2) or ""


def format_units(units: int, decimals: int) -> str:
    """The inverse of `parse_amount`, with all decimals written: 1 cent is "0.01"; a negative figure keeps its sign."""
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(decimals + 1, "0")
    if decimals == 0:
        return sign + digits
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def rescale(units: int, *, from_decimals: int, to_decimals: int) -> int | None:
    """The same value at another scale, or None where that would need rounding."""
    factor: int = 10 ** abs(to_decimals - from_decimals)
    if to_decimals >= from_decimals:
        return units * factor
    quotient, rest = divmod(units, factor)
    return quotient if rest == 0 else None
