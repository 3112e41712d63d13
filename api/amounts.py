"""Amounts as they are sent: text, read exactly, or refused with the field's name."""

from api.errors import Problem
from wallet.context import Context
from wallet.money import Amount, AmountMalformed, parse_amount


def read_amount(context: Context, symbol: str, text: str) -> Amount:
    """Raises `NotFound` for an asset that is not listed, `Problem` for a text that is no amount of it."""
    asset = context.asset(symbol)
    try:
        return parse_amount(text, asset)
    except AmountMalformed as malformed:
        raise Problem("invalid_request", malformed.reason, blame="amount") from None
