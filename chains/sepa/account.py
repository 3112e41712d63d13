"""Our account at the bank: what every statement must speak of and every payout file is debited to."""

from dataclasses import dataclass

from wallet.money import Asset


@dataclass(frozen=True, slots=True)
class Account:
    """`iban` in canonical form. `asset.symbol` is the currency in statements, `asset.decimals` its minor unit (ISO 4217)."""

    iban: str
    asset: Asset
