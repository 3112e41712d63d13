"""Quotes as text: sealed, so that nobody can write one, and only the owner that one was given to can use it.

A quote is kept nowhere: what was promised stands in the text itself.
"""

import json
from datetime import datetime

from api.cursors import open_text, seal_text
from api.settings import ApiSettings
from wallet.context import Context
from wallet.errors import QuoteRefused
from wallet.ids import NetworkId
from wallet.journal.body import time_text
from wallet.money import Amount
from wallet.withdrawals.terms import FeeMode, Quote

QUOTE_MAX = 600  # characters; amounts have at most 78 digits
_PURPOSE = "withdrawal-quote"


def seal_quote(settings: ApiSettings, owner: str, quote: Quote) -> str:
    told = {
        "network": quote.network,
        "asset": quote.amount.asset.symbol,
        "units": str(quote.amount.units),
        "mode": quote.mode.value,
        "fee": str(quote.fee.units),
        "until": time_text(quote.expires_at),
    }
    return seal_text(settings, _PURPOSE, owner, json.dumps(told, separators=(",", ":")).encode())


def open_quote(settings: ApiSettings, context: Context, owner: str, sealed: str) -> Quote:
    """Raises `QuoteRefused` for what was not sealed here for this owner."""
    clear = open_text(settings, _PURPOSE, owner, sealed)
    if clear is None:
        raise QuoteRefused
    told = json.loads(clear)
    asset = context.asset(told["asset"])
    return Quote(
        network=NetworkId(told["network"]),
        amount=Amount(int(told["units"]), asset),
        mode=FeeMode(told["mode"]),
        fee=Amount(int(told["fee"]), asset),
        expires_at=datetime.fromisoformat(told["until"]),
    )
