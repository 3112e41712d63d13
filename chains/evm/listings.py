"""Which assets this chain carries for us: its own, and tokens by their contract, never by their symbol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chains.evm.address import parse_address
from wallet.money import UNITS_MAX, Amount, Asset, rescale
from wallet.ports import Listing


@dataclass(frozen=True, slots=True)
class Listings:
    """`tokens` by contract in lower case, as nodes write it."""

    native: Listing
    tokens: Mapping[str, Listing]

    @property
    def all(self) -> tuple[Listing, ...]:
        return (self.native, *self.tokens.values())

    def of(self, asset: Asset) -> Listing:
        """Raises `ValueError` where the asset is not listed on this network."""
        for listing in self.all:
            if listing.asset == asset:
                return listing
        raise ValueError(f"{asset.symbol} is not listed on {self.native.network}")

    def contracts(self) -> frozenset[str]:
        return frozenset(listing.contract for listing in self.tokens.values() if listing.contract)


def read_listings(listings: Sequence[Listing]) -> Listings:
    """Raises `ValueError` unless there is exactly one native asset, at the ledger's own scale (it pays the fees), each
    asset and contract stands there once, and all are on one network."""
    natives = [listing for listing in listings if listing.contract is None]
    if len(natives) != 1 or natives[0].decimals != natives[0].asset.decimals:
        raise ValueError("a chain lists one native asset, with the decimals that the ledger counts it in")
    tokens = [
        replace(listing, contract=parse_address(listing.contract))
        for listing in listings
        if listing.contract is not None
    ]
    by_contract = {str(token.contract).lower(): token for token in tokens}
    symbols = {listing.asset.symbol for listing in listings}
    if len(by_contract) != len(tokens) or len(symbols) != len(listings):
        raise ValueError("an asset or a contract is listed twice")
    if len({listing.network for listing in listings}) != 1:
        raise ValueError("the listings belong to different networks")
    return Listings(natives[0], by_contract)


def ledger_amount(units: int, listing: Listing) -> tuple[Amount, str | None]:
    """The chain's units at the ledger's scale, and a doubt where that is not the exact value: the amount is then what
    fits, rounded down, and for people to look at only."""
    exact = rescale(units, from_decimals=listing.decimals, to_decimals=listing.asset.decimals)
    if exact is None:
        return Amount(floor_units(units, listing), listing.asset), "inexact"
    if exact > UNITS_MAX:
        return Amount(UNITS_MAX, listing.asset), "too_large"
    return Amount(exact, listing.asset), None


def floor_units(units: int, listing: Listing) -> int:
    """Ledger units that `units` on the chain are worth in full; what is smaller than one of them is left out."""
    down: int = 10 ** max(listing.decimals - listing.asset.decimals, 0)
    up: int = 10 ** max(listing.asset.decimals - listing.decimals, 0)
    whole, _ = divmod(units, down)
    return whole * up


def chain_units(amount: Amount, listing: Listing) -> int:
    """Raises `ValueError` where the token cannot express the amount or hold it."""
    units = rescale(amount.units, from_decimals=listing.asset.decimals, to_decimals=listing.decimals)
    if units is None:
        raise ValueError(f"{amount.asset.symbol} has at most {listing.decimals} decimals on {listing.network}")
    if units > UNITS_MAX:
        raise ValueError("an amount is at most 2^256 - 1 base units on the chain")
    return units
