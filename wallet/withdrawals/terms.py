"""What a withdrawal costs its owner and what arrives: the network fee on top of the amount, or out of it.

    charged    amount arrives, amount + fee is held       included    amount − fee arrives, amount is held

A quote is a promise until `expires_at`: a request that names it pays the fee that was quoted, whatever the network asks by
then. Without one the fee is fixed when the withdrawal is requested.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wallet.errors import AmountRefused, QuoteExpired, QuoteRefused
from wallet.ids import NetworkId
from wallet.money import Amount
from wallet.ports import Network

QUOTE_LIFE = timedelta(minutes=2)  # time to read and to confirm; in so long a fee moves by what one block changes


class FeeMode(StrEnum):
    """Where the network fee comes from."""

    CHARGED = "charged"  # on top of the amount
    INCLUDED = "included"  # out of the amount


@dataclass(frozen=True, slots=True)
class Terms:
    """`arrives` leaves for the destination, `fee` is the customer's for the network; both are held."""

    mode: FeeMode
    arrives: Amount
    fee: Amount

    @property
    def total(self) -> Amount:
        return self.arrives + self.fee


@dataclass(frozen=True, slots=True)
class Quote:
    """The promise that a withdrawal of this `amount` on this network pays `fee`."""

    network: NetworkId
    amount: Amount
    mode: FeeMode
    fee: Amount
    expires_at: datetime


def terms_of(amount: Amount, mode: FeeMode, fee: Amount) -> Terms:
    """Raises `AmountRefused` where an included fee leaves nothing."""
    if mode is FeeMode.CHARGED:
        return Terms(mode, amount, fee)
    if fee and amount <= fee:
        raise AmountRefused(f"the network fee of {fee} is taken out of the amount and leaves nothing of it")
    return Terms(mode, amount - fee, fee)


async def quote_fee(network: Network, amount: Amount) -> Amount:
    """What the customer pays for the network: nothing where the house bears it."""
    if not network.capabilities.customer_pays_fee:
        return Amount(0, amount.asset)
    fee = (await network.estimate_fee(amount.asset)).units
    if fee.asset != amount.asset:
        raise AmountRefused(f"the network fee is in {fee.asset.symbol}")
    return fee


async def fixed_fee(network: Network, amount: Amount, mode: FeeMode, quote: Quote | None, now: datetime) -> Amount:
    """The quoted fee, or today's. Raises `QuoteRefused`, `QuoteExpired`, or the network's error where none can be told."""
    if quote is None:
        return await quote_fee(network, amount)
    if (quote.network, quote.amount, quote.mode) != (network.id, amount, mode):
        raise QuoteRefused
    if now >= quote.expires_at:
        raise QuoteExpired(quote.expires_at)
    return quote.fee
